#include "manager/template_engine.h"

#include <algorithm>
#include <optional>

#include "manager/template_expression.h"

namespace cella::manager {
namespace {

constexpr int kMaxDepth = 64;
constexpr int kMaxSteps = 100000;

// A piece of the source: text as it is, an {{ output }} or a {% tag %}.
struct Piece {
  enum class Kind { kText, kOutput, kTag };
  Kind kind;
  std::string text;
  std::vector<TemplateToken> tokens;
  int line;
};

void trim_end(std::string& text) { text.erase(text.find_last_not_of(" \t\r\n") + 1); }

Error at_line(Error error, int line) { return std::move(error).with_context("template line " + std::to_string(line)); }

// Cuts the source at {{ }}, {% %} and {# #}; comments vanish.
class Cutter {
 public:
  explicit Cutter(std::string_view source) : rest_(source) {}

  Result<std::vector<Piece>> cut() {
    while (!rest_.empty()) {
      const std::size_t open = next_open();
      add_text(rest_.substr(0, open));
      if (open == std::string_view::npos) break;
      rest_.remove_prefix(open);
      TRY(cut_one());
    }
    return std::move(pieces_);
  }

 private:
  std::size_t next_open() const {
    for (std::size_t at = rest_.find('{'); at != std::string_view::npos; at = rest_.find('{', at + 1)) {
      if (at + 1 < rest_.size() && std::string_view("{%#").find(rest_[at + 1]) != std::string_view::npos) return at;
    }
    return std::string_view::npos;
  }

  void add_text(std::string_view text) {
    const int begin = line_;
    line_ += static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    if (trim_next_) {
      const std::size_t kept = text.find_first_not_of(" \t\r\n");
      text = kept == std::string_view::npos ? std::string_view() : text.substr(kept);
    }
    trim_next_ = false;
    if (!text.empty()) pieces_.push_back({Piece::Kind::kText, std::string(text), {}, begin});
  }

  Result<void> cut_one() {
    const char kind = rest_[1];
    const std::string_view close = kind == '{' ? "}}" : kind == '%' ? "%}" : "#}";
    const std::size_t end = rest_.find(close, 2);
    if (end == std::string_view::npos)
      return at_line(invalid_value("tag", rest_.substr(0, 20), "without " + std::string(close)), line_);
    std::string_view inside = rest_.substr(2, end - 2);
    if (!inside.empty() && inside.front() == '-') {
      if (!pieces_.empty() && pieces_.back().kind == Piece::Kind::kText) trim_end(pieces_.back().text);
      inside.remove_prefix(1);
    }
    if (!inside.empty() && inside.back() == '-') {
      trim_next_ = true;
      inside.remove_suffix(1);
    }
    if (kind != '#') {
      auto tokens = tokenize_expression(inside);
      if (!tokens.ok()) return at_line(std::move(tokens).error(), line_);
      pieces_.push_back({kind == '{' ? Piece::Kind::kOutput : Piece::Kind::kTag, "", *std::move(tokens), line_});
    }
    const std::string_view whole = rest_.substr(0, end + 2);
    line_ += static_cast<int>(std::count(whole.begin(), whole.end(), '\n'));
    rest_.remove_prefix(end + 2);
    return kOk;
  }

  std::string_view rest_;
  std::vector<Piece> pieces_;
  int line_ = 1;
  bool trim_next_ = false;
};

// Walks the pieces once per rendering; a loop's body is walked once per round.
class Renderer {
 public:
  Renderer(const std::vector<Piece>& pieces, const TemplateContext& context) : pieces_(pieces), context_(context) {}

  Result<std::string> render() {
    const std::string stop = TRY(block({}, /*active=*/true));
    if (!stop.empty()) return at_line(invalid_value("tag", stop, "not expected here"), pieces_[at_ - 1].line);
    return std::move(output_);
  }

 private:
  const std::string& word(const Piece& piece) const { return piece.tokens.front().text; }

  // Renders until a tag named in stops (its name is returned; at_ is behind it) or the end ("").
  // active: false to walk without evaluating or printing.
  Result<std::string> block(const std::vector<std::string>& stops, bool active) {
    if (++depth_ > kMaxDepth) return Error(ErrorKind::kInvalid, "template nested too deep");
    while (at_ < pieces_.size()) {
      const Piece& piece = pieces_[at_++];
      if (++steps_ > kMaxSteps) return Error(ErrorKind::kInvalid, "template runs too long");
      if (piece.kind == Piece::Kind::kTag) {
        const std::string& name = word(piece);
        if (std::find(stops.begin(), stops.end(), name) != stops.end()) {
          --depth_;
          return name;
        }
        auto done = tag(piece, active);
        if (!done.ok()) return std::move(done).error();
      } else if (active) {
        TRY(print(piece));
      }
    }
    --depth_;
    if (!stops.empty()) return Error(ErrorKind::kInvalid, "template ends without {% " + stops.back() + " %}");
    return std::string();
  }

  Result<void> print(const Piece& piece) {
    if (piece.kind == Piece::Kind::kText) {
      output_ += piece.text;
    } else {
      output_ += TRY(evaluate(piece, 0)).text();
    }
    if (output_.size() > kMaxTemplateText) return Error(ErrorKind::kInvalid, "template prints more than 1 MiB");
    return kOk;
  }

  // The expression from a token on to the end of the piece.
  Result<TemplateValue> evaluate(const Piece& piece, std::size_t from) {
    TemplateExpression expression(piece.tokens, from, context_, budget_);
    auto value = expression.evaluate();
    if (!value.ok()) return at_line(std::move(value).error(), piece.line);
    if (!expression.at_end())
      return at_line(invalid_value("token", piece.tokens[expression.position()].text, "not expected here"), piece.line);
    return value;
  }

  Result<void> tag(const Piece& piece, bool active) {
    const std::string& name = word(piece);
    if (name == "if") return branch(piece, active);
    if (name == "for") return loop(piece, active);
    if (name == "set") return active ? assign(piece) : Result<void>(kOk);
    if (name == "comment") return finish(block({"endcomment"}, /*active=*/false));
    if (name == "autoescape") return finish(block({"endautoescape"}, active));
    return at_line(invalid_value("tag", name, "unknown"), piece.line);
  }

  Result<void> finish(Result<std::string> stopped) {
    TRY(std::move(stopped));
    return kOk;
  }

  Result<void> branch(const Piece& piece, bool active) {
    bool taken = active && TRY(evaluate(piece, 1)).truth();
    bool done = taken;
    for (;;) {
      const std::string stop = TRY(block({"elif", "else", "endif"}, taken));
      if (stop == "endif") return kOk;
      taken = active && !done && (stop == "else" || TRY(evaluate(pieces_[at_ - 1], 1)).truth());
      done = done || taken;
    }
  }

  Result<void> assign(const Piece& piece) {
    if (piece.tokens.size() < 4 || piece.tokens[1].kind != TemplateToken::Kind::kName || piece.tokens[2].text != "=")
      return at_line(Error(ErrorKind::kInvalid, "set needs NAME = EXPRESSION"), piece.line);
    context_.values[piece.tokens[1].text] = TRY(evaluate(piece, 3));
    return kOk;
  }

  // {% for a in … %} and {% for a, b in … %}: the names, and where the expression starts.
  Result<std::size_t> loop_names(const Piece& piece, std::vector<std::string>& names) const {
    std::size_t at = 1;
    while (at + 1 < piece.tokens.size() && piece.tokens[at].kind == TemplateToken::Kind::kName) {
      names.push_back(piece.tokens[at++].text);
      if (piece.tokens[at].text == "in" && names.size() <= 2) return at + 1;
      if (piece.tokens[at].text != ",") break;
      ++at;
    }
    return at_line(Error(ErrorKind::kInvalid, "for needs NAME in LIST or KEY, VALUE in MAP"), piece.line);
  }

  Result<void> loop(const Piece& piece, bool active) {
    std::vector<std::string> names;
    const std::size_t from = TRY(loop_names(piece, names));
    const TemplateValue over = active ? TRY(evaluate(piece, from)) : TemplateValue();
    const std::size_t body = at_;
    TRY(budget_.spend(context_.values.size() * sizeof(TemplateValue)));
    const auto saved = context_.values;
    const std::string text = over.text();
    std::string stop;
    for (std::size_t round = 0; round < over.size(); ++round) {
      at_ = body;
      bind(over, text, round, names);
      stop = TRY(block({"empty", "endfor"}, /*active=*/true));
    }
    context_.values = saved;
    if (over.size() == 0) stop = TRY(block({"empty", "endfor"}, /*active=*/false));
    if (stop == "empty") TRY(block({"endfor"}, active && over.size() == 0));
    return kOk;
  }

  // text: that of `over`, of which a loop without list or map takes the characters.
  void bind(const TemplateValue& over, const std::string& text, std::size_t round,
            const std::vector<std::string>& names) {
    TemplateValue first;
    TemplateValue second;
    if (over.map() != nullptr) {
      const auto member = std::next(over.map()->begin(), static_cast<std::ptrdiff_t>(round));
      first = TemplateValue(member->first);
      second = member->second;
    } else if (over.list() != nullptr) {
      first = (*over.list())[round];
    } else {
      first = TemplateValue(text.substr(round, 1));
    }
    context_.values[names.front()] = first;
    if (names.size() == 2) context_.values[names.back()] = second;
    context_.values["forloop"] = TemplateValue(TemplateValue::Map{
        {"Counter", TemplateValue(static_cast<std::int64_t>(round + 1))},
        {"Counter0", TemplateValue(static_cast<std::int64_t>(round))},
        {"First", TemplateValue(round == 0)},
        {"Last", TemplateValue(round + 1 == over.size())}});
  }

  const std::vector<Piece>& pieces_;
  TemplateContext context_;
  TemplateBudget budget_;
  std::string output_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int steps_ = 0;
};

}  // namespace

Result<std::string> render_template(std::string_view source, const TemplateContext& context) {
  if (source.size() > kMaxTemplateText) return Error(ErrorKind::kInvalid, "template is larger than 1 MiB");
  const std::vector<Piece> pieces = TRY(Cutter(source).cut());
  return Renderer(pieces, context).render();
}

}  // namespace cella::manager
