#include "daemon/filter.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace cella::daemon {

// A clause (field set) or a group of nodes joined from left to right.
struct Filter::Node {
  enum class Join { kAnd, kOr };
  struct Item {
    Join join = Join::kAnd;  // with what stands before
    std::shared_ptr<const Node> node;
  };
  bool negated = false;
  std::string field;
  bool equal = true;
  std::string value;
  std::vector<Item> items;  // a group when not empty
};

namespace {

constexpr int kMaxDepth = 16;

struct Token {
  std::string text;
  bool quoted = false;
  bool is(std::string_view word) const {
    return !quoted && std::equal(text.begin(), text.end(), word.begin(), word.end(), [](unsigned char a, char b) {
      return std::tolower(a) == static_cast<unsigned char>(b);
    });
  }
};

Result<std::vector<Token>> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (c == ' ' || c == '\t') {
      ++i;
    } else if (c == '(' || c == ')') {
      tokens.push_back({std::string(1, c), false});
      ++i;
    } else if (c == '"' || c == '\'') {
      const std::size_t end = text.find(c, i + 1);
      if (end == std::string_view::npos) return invalid_value("filter", text, "a quote is not closed");
      tokens.push_back({std::string(text.substr(i + 1, end - i - 1)), true});
      i = end + 1;
    } else {
      const std::size_t end = std::min(text.find_first_of(" \t()", i), text.size());
      tokens.push_back({std::string(text.substr(i, end - i)), false});
      i = end;
    }
  }
  return tokens;
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens) : text_(text), tokens_(std::move(tokens)) {}

  Result<std::shared_ptr<const Filter::Node>> parse() {
    auto node = TRY(group(0));
    if (at_ < tokens_.size()) return unexpected();
    return node;
  }

 private:
  using NodePointer = std::shared_ptr<const Filter::Node>;

  Result<NodePointer> group(int depth) {
    if (depth > kMaxDepth) return invalid_value("filter", text_, "nested too deep");
    auto node = std::make_shared<Filter::Node>();
    auto join = Filter::Node::Join::kAnd;
    for (;;) {
      node->items.push_back({join, TRY(term(depth))});
      if (accept("and")) {
        join = Filter::Node::Join::kAnd;
      } else if (accept("or")) {
        join = Filter::Node::Join::kOr;
      } else {
        return NodePointer(node);
      }
    }
  }

  Result<NodePointer> term(int depth) {
    const bool negated = accept("not");
    if (accept("(")) {
      auto inner = std::make_shared<Filter::Node>(*TRY(group(depth + 1)));
      if (!accept(")")) return unexpected();
      inner->negated = negated;
      return NodePointer(inner);
    }
    auto node = std::make_shared<Filter::Node>();
    node->negated = negated;
    if (at_ + 2 >= tokens_.size()) return invalid_value("filter", text_, "expected FIELD eq|ne VALUE");
    node->field = tokens_[at_++].text;
    if (accept("ne")) {
      node->equal = false;
    } else if (!accept("eq")) {
      return unexpected();
    }
    if (!tokens_[at_].quoted && (tokens_[at_].text == "(" || tokens_[at_].text == ")")) return unexpected();
    node->value = tokens_[at_++].text;
    return NodePointer(node);
  }

  bool accept(std::string_view word) {
    if (at_ >= tokens_.size() || !tokens_[at_].is(word)) return false;
    ++at_;
    return true;
  }

  Error unexpected() const {
    return invalid_value("filter", text_,
                         at_ < tokens_.size() ? "unexpected \"" + tokens_[at_].text + "\"" : "ends too early");
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

// "config.image.os": the member "config", then its key "image.os".
api::JsonView field_of(api::JsonView object, std::string_view path) {
  for (std::size_t end = path.size(); end != std::string_view::npos && end > 0;
       end = end == 0 ? std::string_view::npos : path.rfind('.', end - 1)) {
    const api::JsonView member = object.member(path.substr(0, end));
    if (member.is_null()) continue;
    return end == path.size() ? member : field_of(member, path.substr(end + 1));
  }
  return {};
}

bool same_text(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool holds(const Filter::Node& clause, api::JsonView object) {
  const api::JsonView field = field_of(object, clause.field);
  std::string text;
  switch (field.kind()) {
    case api::JsonKind::kNull:
      break;
    case api::JsonKind::kString:
      text = field.string();
      break;
    case api::JsonKind::kBool:
    case api::JsonKind::kInteger:
    case api::JsonKind::kNumber:
    case api::JsonKind::kArray:
    case api::JsonKind::kObject:
      text = field.text();
      break;
  }
  return same_text(text, clause.value) == clause.equal;
}

bool evaluate(const Filter::Node& node, api::JsonView object) {
  bool result = true;
  if (node.items.empty()) {
    result = holds(node, object);
  } else {
    for (const Filter::Node::Item& item : node.items) {
      const bool value = evaluate(*item.node, object);
      result = item.join == Filter::Node::Join::kAnd ? result && value : result || value;
    }
  }
  return result != node.negated;
}

}  // namespace

Result<Filter> Filter::parse(std::string_view text) {
  Filter filter;
  std::vector<Token> tokens = TRY(tokens_of(text));
  if (!tokens.empty()) filter.root_ = TRY(Parser(text, std::move(tokens)).parse());
  return filter;
}

bool Filter::matches(api::JsonView object) const { return root_ == nullptr || evaluate(*root_, object); }

}  // namespace cella::daemon
