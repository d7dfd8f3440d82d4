// Expressions of the template language: parsed from tokens and evaluated in one pass.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "manager/template_engine.h"

namespace cella::manager {

struct TemplateToken {
  enum class Kind { kName, kNumber, kString, kSymbol, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;
};

// Splits the inside of {{ }} or {% %} into tokens; the last one is kEnd. Errors: kInvalid (unknown character, open string).
Result<std::vector<TemplateToken>> tokenize_expression(std::string_view text);

// The longest text a template, its output or one of its values may be, in bytes.
inline constexpr std::size_t kMaxTemplateText = 1u << 20;

// What one rendering may still compute, in bytes of new values: texts grow by doubling, so steps alone bound nothing.
class TemplateBudget {
 public:
  // Errors: kInvalid when it is used up.
  Result<void> spend(std::size_t bytes);
  // The cost of a value that was computed just now. Errors also for a text over kMaxTemplateText.
  Result<void> spend_on(const TemplateValue& value);

 private:
  std::size_t left_ = 64u << 20;
};

// Walks tokens from a position on, evaluating as it goes.
class TemplateExpression {
 public:
  TemplateExpression(const std::vector<TemplateToken>& tokens, std::size_t position, const TemplateContext& context,
                     TemplateBudget& budget)
      : tokens_(tokens), position_(position), context_(context), budget_(budget) {}

  // One whole expression with its filters, up to the first token that does not belong to it.
  Result<TemplateValue> evaluate();
  std::size_t position() const { return position_; }
  bool at_end() const { return tokens_[position_].kind == TemplateToken::Kind::kEnd; }

 private:
  Result<TemplateValue> any_of();
  Result<TemplateValue> all_of();
  Result<TemplateValue> negation();
  Result<TemplateValue> comparison();
  Result<TemplateValue> sum();
  Result<TemplateValue> product();
  Result<TemplateValue> filtered();
  Result<TemplateValue> primary();
  Result<TemplateValue> call(const std::string& name);
  bool take(std::string_view text);
  Error unexpected() const;

  const std::vector<TemplateToken>& tokens_;
  std::size_t position_;
  const TemplateContext& context_;
  TemplateBudget& budget_;
  int depth_ = 0;
};

// Applies one filter. argument: nullptr when none was written. Errors: kInvalid for an unknown filter.
Result<TemplateValue> apply_template_filter(std::string_view name, const TemplateValue& value, const TemplateValue* argument);

}  // namespace cella::manager
