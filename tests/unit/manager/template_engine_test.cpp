#include "manager/template_engine.h"

#include <gtest/gtest.h>

namespace cella::manager {
namespace {

TemplateContext context() {
  TemplateContext seen;
  seen.values["container"] = TemplateValue(TemplateValue::Map{{"name", "c1"}, {"privileged", TemplateValue(false)}});
  seen.values["list"] = TemplateValue(TemplateValue::List{"a", "b", "c"});
  seen.values["config"] = TemplateValue(TemplateValue::Map{{"user.k", "v"}, {"user.z", "w"}});
  seen.values["empty"] = TemplateValue("");
  seen.functions["config_get"] = [](const std::vector<TemplateValue>& arguments) {
    return arguments.size() == 2 && arguments[0].text() == "user.k" ? TemplateValue("v")
           : arguments.size() == 2                                  ? arguments[1]
                                                                    : TemplateValue();
  };
  return seen;
}

std::string rendered(std::string_view source) {
  auto text = render_template(source, context());
  return text.ok() ? *text : "error: " + text.error().message();
}

TEST(Template, PrintsValuesAndMembers) {
  EXPECT_EQ(rendered("name={{ container.name }};{{ missing }};{{ list.1 }}"), "name=c1;;b");
}

TEST(Template, CallsFunctionsWithDefaults) {
  EXPECT_EQ(rendered("{{ config_get(\"user.k\", \"d\") }}{{ config_get('user.x', 'd') }}"), "vd");
}

TEST(Template, ChoosesBranches) {
  const char* source = "{% if container.name == \"c2\" %}two{% elif container.privileged %}priv{% else %}other{% endif %}";
  EXPECT_EQ(rendered(source), "other");
  EXPECT_EQ(rendered("{% if not container.privileged and 'a' in list %}yes{% endif %}"), "yes");
  EXPECT_EQ(rendered("{% if empty %}x{% endif %}{% if 2 > 1 and 10 >= 10 %}y{% endif %}"), "y");
  EXPECT_EQ(rendered("{% if empty %}{% if nonsense %}{% else %}q{% endif %}{% else %}z{% endif %}"), "z");
}

TEST(Template, LoopsOverListsAndMaps) {
  EXPECT_EQ(rendered("{% for x in list %}{{ forloop.Counter }}{{ x }}{% if not forloop.Last %},{% endif %}{% endfor %}"),
            "1a,2b,3c");
  EXPECT_EQ(rendered("{% for k, v in config %}{{ k }}={{ v }};{% endfor %}"), "user.k=v;user.z=w;");
  EXPECT_EQ(rendered("{% for x in missing %}x{% empty %}none{% endfor %}"), "none");
  EXPECT_EQ(rendered("{% for x in list %}x{% empty %}none{% endfor %}{{ x }}"), "xxx");
}

TEST(Template, AppliesFilters) {
  EXPECT_EQ(rendered("{{ container.name|upper }} {{ missing|default:\"d\" }} {{ list|join:\"-\" }} {{ list|length }}"),
            "C1 d a-b-c 3");
  EXPECT_EQ(rendered("{{ 'a b'|title }}{{ ' x '|trim }}{{ list|first }}{{ 'a,b'|split:','|last }}"), "A Bxab");
}

TEST(Template, CalculatesAndSets) {
  EXPECT_EQ(rendered("{% set n = 2 * 3 + 1 %}{{ n }}{{ -n }}{{ (1 + 2) * 2 }}{{ 'a' + 'b' }}"), "7-76ab");
}

TEST(Template, DropsCommentsAndTrimsSpace) {
  EXPECT_EQ(rendered("a{# no #}b{% comment %}{{ x }}{% endcomment %}c \n {%- if true -%} \n d{% endif %}"), "abcd");
  EXPECT_EQ(rendered("{% autoescape off %}<{{ container.name }}>{% endautoescape %}"), "<c1>");
}

TEST(Template, NamesTheLineOfAnError) {
  for (const char* bad : {"\n{{ 1 + }}", "\n{% if %}x{% endif %}", "\n{% nonsense %}", "\n{{ x|nofilter }}", "\n{{ f(1) }}",
                          "\n{{ 'open }}", "\n{{ 1 / 0 }}", "\n{% endif %}", "\n{{ open", "\n{% for in list %}{% endfor %}"}) {
    const auto text = render_template(bad, context());
    ASSERT_FALSE(text.ok()) << bad;
    EXPECT_EQ(text.error().kind(), ErrorKind::kInvalid);
    EXPECT_NE(text.error().message().find("line 2"), std::string::npos) << text.error().message();
  }
  EXPECT_FALSE(render_template("{% if true %}never closed", context()).ok());
}

TEST(Template, BoundsWhatItComputes) {
  std::string doubling = "{% set x = 'aaaaaaaaaaaaaaaa' %}";
  for (int i = 0; i < 40; ++i) doubling += "{% set x = x + x %}";
  EXPECT_NE(rendered(doubling).find("longer than 1 MiB"), std::string::npos);
  // 10,000 members, joined by 10,000 bytes each.
  const std::string commas(10000, ',');
  EXPECT_NE(rendered("{{ '" + commas + "'|split:','|join:'" + commas + "' }}").find("more than 1 MiB"), std::string::npos);
  std::string lists;
  for (int i = 0; i < 1000; ++i) lists += "{% set l" + std::to_string(i) + " = commas|split:',' %}";
  EXPECT_NE(rendered("{% set commas = '" + commas + "' %}" + lists).find("computes too much"), std::string::npos);
  EXPECT_EQ(rendered("{{ 'abcabca'|cut:'a' }}"), "bcbc");
}

TEST(Template, TakesQuotedSignsForText) { EXPECT_EQ(rendered("{{ 'a' '+' 'b' }}").substr(0, 6), "error:"); }

TEST(Template, IsBounded) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "{% if true %}";
  EXPECT_FALSE(render_template(deep, context()).ok());
  EXPECT_FALSE(render_template("{{ " + std::string(200, '(') + "1" + std::string(200, ')') + " }}", context()).ok());
  EXPECT_FALSE(render_template("{{ " + std::string(100000, '-') + "1 }}", context()).ok());
  std::string loops;
  for (int i = 0; i < 20; ++i) loops += "{% for x in list %}";
  loops += "y";
  for (int i = 0; i < 20; ++i) loops += "{% endfor %}";
  EXPECT_FALSE(render_template(loops, context()).ok());
}

}  // namespace
}  // namespace cella::manager
