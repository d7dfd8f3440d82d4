// Renders image templates: the part of the pongo2 (Django) language that images use, and no input or output of any kind.
//
//   {{ expression|filter:argument }}   {# comment #}   {% if %} {% elif %} {% else %} {% endif %}
//   {% for name in list %} or {% for key, value in map %} {% empty %} {% endfor %}   {% set name = expression %}
//   {% comment %} {% endcomment %}   {% autoescape off %} {% endautoescape %} (there is no escaping)   {%- trims space -%}
//
// Expressions: literals, names with .member, calls of functions in the context, + - * / %, == != < > <= >=, in, not,
// and, or, parentheses. Filters: default, default_if_none, lower, upper, capfirst, title, trim, length, first, last,
// join, cut, split, yesno; safe and escape leave the text as it is. Anything else is an error.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "manager/template_value.h"

namespace cella::manager {

// What a template can see. Functions get their evaluated arguments.
struct TemplateContext {
  using Function = std::function<TemplateValue(const std::vector<TemplateValue>&)>;
  std::map<std::string, TemplateValue> values;
  std::map<std::string, Function> functions;
};

// Renders source. Bounds: 1 MiB of source and of output, 64 levels of nesting, 100,000 steps,
// 1 MiB per text and 64 MiB of computed values.
// Errors: kInvalid with the line and what is wrong there, also when a bound is passed.
Result<std::string> render_template(std::string_view source, const TemplateContext& context);

}  // namespace cella::manager
