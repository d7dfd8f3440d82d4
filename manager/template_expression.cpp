#include "manager/template_expression.h"

#include <cctype>

#include "base/units.h"

namespace cella::manager {
namespace {

using Kind = TemplateToken::Kind;
constexpr int kMaxDepth = 64;

bool name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

Result<TemplateToken> quoted(std::string_view text, std::size_t& at) {
  const char quote = text[at++];
  TemplateToken token{Kind::kString, ""};
  for (; at < text.size() && text[at] != quote; ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      ++at;
      token.text += text[at] == 'n' ? '\n' : text[at] == 't' ? '\t' : text[at];
    } else {
      token.text += text[at];
    }
  }
  if (at == text.size()) return Error(ErrorKind::kInvalid, "string without closing quote");
  ++at;
  return token;
}

TemplateToken run_of(std::string_view text, std::size_t& at, Kind kind, bool (*belongs)(char)) {
  const std::size_t begin = at;
  while (at < text.size() && belongs(text[at])) ++at;
  return {kind, std::string(text.substr(begin, at - begin))};
}

Result<TemplateToken> symbol(std::string_view text, std::size_t& at) {
  for (const std::string_view two : {"==", "!=", "<=", ">=", "<>", "&&", "||"}) {
    if (text.substr(at, 2) == two) {
      at += 2;
      return TemplateToken{Kind::kSymbol, std::string(two)};
    }
  }
  if (std::string_view("+-*/%<>=!|:.,()[]").find(text[at]) == std::string_view::npos)
    return invalid_value("character", text.substr(at, 1), "not part of the template language");
  return TemplateToken{Kind::kSymbol, std::string(1, text[at++])};
}

bool contains(const TemplateValue& where, const TemplateValue& what) {
  if (where.map() != nullptr) return where.map()->count(what.text()) != 0;
  if (where.list() == nullptr) return where.text().find(what.text()) != std::string::npos;
  for (const TemplateValue& member : *where.list())
    if (member.equals(what)) return true;
  return false;
}

// Numbers compare as numbers, everything else as text.
int order(const TemplateValue& a, const TemplateValue& b) {
  if (a.number() != nullptr && b.number() != nullptr) return *a.number() < *b.number() ? -1 : *a.number() > *b.number();
  return a.text().compare(b.text());
}

Result<TemplateValue> calculate(const std::string& sign, const TemplateValue& a, const TemplateValue& b) {
  if (a.number() == nullptr || b.number() == nullptr) {
    if (sign == "+") return TemplateValue(a.text() + b.text());
    return invalid_value("operator", sign, "needs numbers on both sides");
  }
  const std::int64_t left = *a.number();
  const std::int64_t right = *b.number();
  std::int64_t result = 0;
  bool bad = false;
  if (sign == "+") bad = __builtin_add_overflow(left, right, &result);
  if (sign == "-") bad = __builtin_sub_overflow(left, right, &result);
  if (sign == "*") bad = __builtin_mul_overflow(left, right, &result);
  if (sign == "/" || sign == "%") {
    bad = right == 0 || right == -1;
    if (!bad) result = sign == "/" ? left / right : left % right;
  }
  if (bad) return invalid_value("operator", sign, "the result is no number");
  return TemplateValue(result);
}

}  // namespace

Result<void> TemplateBudget::spend(std::size_t bytes) {
  if (bytes > left_) return Error(ErrorKind::kInvalid, "template computes too much");
  left_ -= bytes;
  return kOk;
}

Result<void> TemplateBudget::spend_on(const TemplateValue& value) {
  const bool members = value.list() != nullptr || value.map() != nullptr;
  if (!members && value.size() > kMaxTemplateText)
    return Error(ErrorKind::kInvalid, "a value is longer than 1 MiB");
  return spend(value.size() * (members ? sizeof(TemplateValue) : 1));
}

Result<std::vector<TemplateToken>> tokenize_expression(std::string_view text) {
  std::vector<TemplateToken> tokens;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++at;
    } else if (c == '"' || c == '\'') {
      tokens.push_back(TRY(quoted(text, at)));
    } else if (digit(c)) {
      tokens.push_back(run_of(text, at, Kind::kNumber, digit));
    } else if (name_character(c)) {
      tokens.push_back(run_of(text, at, Kind::kName, name_character));
    } else {
      tokens.push_back(TRY(symbol(text, at)));
    }
  }
  tokens.push_back({});
  return tokens;
}

bool TemplateExpression::take(std::string_view text) {
  const TemplateToken& token = tokens_[position_];
  if (token.text != text || (token.kind != Kind::kSymbol && token.kind != Kind::kName)) return false;
  ++position_;
  return true;
}

Error TemplateExpression::unexpected() const {
  if (at_end()) return Error(ErrorKind::kInvalid, "the expression ends too early");
  return invalid_value("token", tokens_[position_].text, "not expected here");
}

Result<TemplateValue> TemplateExpression::evaluate() {
  if (++depth_ > kMaxDepth) return Error(ErrorKind::kInvalid, "expression nested too deep");
  Result<TemplateValue> value = any_of();
  --depth_;
  return value;
}

Result<TemplateValue> TemplateExpression::any_of() {
  TemplateValue value = TRY(all_of());
  while (take("or") || take("||")) {
    const TemplateValue right = TRY(all_of());
    value = TemplateValue(value.truth() || right.truth());
  }
  return value;
}

Result<TemplateValue> TemplateExpression::all_of() {
  TemplateValue value = TRY(negation());
  while (take("and") || take("&&")) {
    const TemplateValue right = TRY(negation());
    value = TemplateValue(value.truth() && right.truth());
  }
  return value;
}

Result<TemplateValue> TemplateExpression::negation() {
  bool negated = false;
  bool seen = false;
  while (take("not") || take("!")) {
    negated = !negated;
    seen = true;
  }
  TemplateValue value = TRY(comparison());
  return seen ? TemplateValue(value.truth() != negated) : value;
}

Result<TemplateValue> TemplateExpression::comparison() {
  TemplateValue left = TRY(sum());
  if (take("==")) return TemplateValue(left.equals(TRY(sum())));
  if (take("!=") || take("<>")) return TemplateValue(!left.equals(TRY(sum())));
  if (take("<=")) return TemplateValue(order(left, TRY(sum())) <= 0);
  if (take(">=")) return TemplateValue(order(left, TRY(sum())) >= 0);
  if (take("<")) return TemplateValue(order(left, TRY(sum())) < 0);
  if (take(">")) return TemplateValue(order(left, TRY(sum())) > 0);
  if (take("in")) return TemplateValue(contains(TRY(sum()), left));
  return left;
}

Result<TemplateValue> TemplateExpression::sum() {
  TemplateValue value = TRY(product());
  while (tokens_[position_].kind == Kind::kSymbol &&
         (tokens_[position_].text == "+" || tokens_[position_].text == "-")) {
    const std::string sign = tokens_[position_++].text;
    value = TRY(calculate(sign, value, TRY(product())));
    TRY(budget_.spend_on(value));
  }
  return value;
}

Result<TemplateValue> TemplateExpression::product() {
  TemplateValue value = TRY(filtered());
  while (tokens_[position_].kind == Kind::kSymbol &&
         (tokens_[position_].text == "*" || tokens_[position_].text == "/" || tokens_[position_].text == "%")) {
    const std::string sign = tokens_[position_++].text;
    value = TRY(calculate(sign, value, TRY(filtered())));
  }
  return value;
}

Result<TemplateValue> TemplateExpression::filtered() {
  TemplateValue value = TRY(primary());
  while (take("|")) {
    if (tokens_[position_].kind != Kind::kName) return unexpected();
    const std::string name = tokens_[position_++].text;
    if (!take(":")) {
      value = TRY(apply_template_filter(name, value, nullptr));
      TRY(budget_.spend_on(value));
      continue;
    }
    const TemplateValue argument = TRY(primary());
    value = TRY(apply_template_filter(name, value, &argument));
    TRY(budget_.spend_on(value));
  }
  return value;
}

Result<TemplateValue> TemplateExpression::primary() {
  const TemplateToken& token = tokens_[position_];
  if (take("(")) {
    TemplateValue value = TRY(evaluate());
    if (!take(")")) return unexpected();
    return value;
  }
  if (take("-")) {
    if (++depth_ > kMaxDepth) return Error(ErrorKind::kInvalid, "expression nested too deep");
    const TemplateValue operand = TRY(primary());
    --depth_;
    return calculate("-", TemplateValue(std::int64_t{0}), operand);
  }
  if (token.kind == Kind::kEnd || token.kind == Kind::kSymbol) return unexpected();
  ++position_;
  if (token.kind == Kind::kString) return TemplateValue(token.text);
  if (token.kind == Kind::kNumber) return TemplateValue(TRY(parse_signed("number", token.text)));
  if (token.text == "true" || token.text == "True") return TemplateValue(true);
  if (token.text == "false" || token.text == "False") return TemplateValue(false);
  if (token.text == "nil" || token.text == "None") return TemplateValue();
  if (take("(")) return call(token.text);
  const auto found = context_.values.find(token.text);
  TemplateValue value = found == context_.values.end() ? TemplateValue() : found->second;
  while (take(".")) {
    if (tokens_[position_].kind != Kind::kName && tokens_[position_].kind != Kind::kNumber) return unexpected();
    value = value.member(tokens_[position_++].text);
  }
  return value;
}

Result<TemplateValue> TemplateExpression::call(const std::string& name) {
  std::vector<TemplateValue> arguments;
  while (!take(")")) {
    if (!arguments.empty() && !take(",")) return unexpected();
    arguments.push_back(TRY(evaluate()));
  }
  const auto found = context_.functions.find(name);
  if (found == context_.functions.end()) return invalid_value("function", name, "unknown");
  return found->second(arguments);
}

}  // namespace cella::manager
