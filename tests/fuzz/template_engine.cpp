// Templates of images.
#include "manager/template_engine.h"
#include "tests/fuzz/target.h"

namespace cella::manager {
namespace {

TemplateContext make_context() {
  TemplateContext seen;
  seen.values["container"] = TemplateValue(TemplateValue::Map{{"name", "c1"}, {"privileged", TemplateValue(false)}});
  seen.values["list"] = TemplateValue(TemplateValue::List{"a", "b", TemplateValue(std::int64_t{3})});
  seen.values["config"] = TemplateValue(TemplateValue::Map{{"user.k", "v"}, {"user.z", "w"}});
  seen.values["empty"] = TemplateValue("");
  seen.functions["config_get"] = [](const std::vector<TemplateValue>& arguments) {
    return arguments.size() == 2 ? arguments[1] : TemplateValue();
  };
  return seen;
}

}  // namespace

FUZZ_TARGET(template_engine) {
  static const TemplateContext context = make_context();
  const Result<std::string> rendered = render_template(text, context);
  if (rendered.ok()) fuzz::require(rendered->size() <= 1u << 20, "output is bounded");
}

}  // namespace cella::manager
