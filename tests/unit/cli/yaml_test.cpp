#include "cli/yaml.h"

#include <gtest/gtest.h>

namespace cella::cli {
namespace {

std::string yaml(std::string_view json) {
  const auto text = yaml_of_json(json);
  return text.ok() ? *text : "error: " + text.error().message();
}
std::string json(std::string_view text) {
  const auto value = json_of_yaml(text);
  return value.ok() ? *value : "error: " + value.error().message();
}

// What LXD's client prints for the same profile.
TEST(Yaml, WritesAProfileAsTheFieldDoes) {
  EXPECT_EQ(yaml(R"({"config":{},"description":"Default LXD profile","devices":{"root":{"path":"/","pool":"default",
                 "type":"disk"}},"name":"default","used_by":["/1.0/instances/c1"]})"),
            "config: {}\n"
            "description: Default LXD profile\n"
            "devices:\n"
            "  root:\n"
            "    path: /\n"
            "    pool: default\n"
            "    type: disk\n"
            "name: default\n"
            "used_by:\n"
            "- /1.0/instances/c1\n");
}

TEST(Yaml, WritesListsOfObjects) {
  EXPECT_EQ(yaml(R"([{"a":"x","b":[{"c":1},{"c":[]}]},{}])"), "- a: x\n  b:\n  - c: 1\n  - c: []\n- {}\n");
}

TEST(Yaml, QuotesTextThatWouldReadAsAnotherType) {
  for (const char* text : {"1", "true", "no", "null", "", "~", "1e3", "0x10", "1.5", "-3", "y", "12:30"}) {
    EXPECT_EQ(yaml(std::string("{\"k\":\"") + text + "\"}"), std::string("k: \"") + text + "\"\n") << text;
  }
  EXPECT_EQ(yaml(R"({"k":"00:16:3e:a8:b2:5a"})"), "k: 00:16:3e:a8:b2:5a\n");
  EXPECT_EQ(yaml(R"({"k":"10.5.65.1/24"})"), "k: 10.5.65.1/24\n");
}

TEST(Yaml, QuotesTextWithMeaning) {
  EXPECT_EQ(yaml(R"({"k":"[{\"a\":1}]"})"), "k: '[{\"a\":1}]'\n");
  EXPECT_EQ(yaml(R"({"k":"a: b"})"), "k: 'a: b'\n");
  EXPECT_EQ(yaml(R"({"k":"it's # x"})"), "k: 'it''s # x'\n");
  EXPECT_EQ(yaml(R"({"k":"a\tb"})"), "k: \"a\\tb\"\n");
  EXPECT_EQ(yaml(R"({"k":"-c"})"), "k: -c\n");
}

TEST(Yaml, WritesSeveralLinesAsABlock) {
  EXPECT_EQ(yaml(R"({"config":{"user.x":"#cloud\na: b\n"}})"), "config:\n  user.x: |\n    #cloud\n    a: b\n");
  EXPECT_EQ(yaml(R"({"k":"a\nb"})"), "k: |-\n  a\n  b\n");
}

TEST(Yaml, MapStyleSortsAndQuotesTimes) {
  EXPECT_EQ(*yaml_of_json(R"({"b":1,"a":"2026-11-23T08:11:00.3Z"})", YamlStyle::kMap),
            "a: \"2026-11-23T08:11:00.3Z\"\nb: 1\n");
}

TEST(Yaml, WhatIsWrittenReadsBackTheSame) {
  const std::string document =
      R"({"config":{"a":"1","b":"true","c":"x: y","d":"l1\nl2\n","e":"","f":"it's","g":" lead","h":"\ttab"},)"
      R"("description":"42","ephemeral":false,"profiles":["default"],"stateful":true})";
  EXPECT_EQ(json(yaml(document)), document);
}

TEST(Yaml, KeepsConfigValuesAsText) {
  EXPECT_EQ(json("config:\n  limits.cpu: 2\n  security.nesting: true\n  user.x:\n"),
            R"({"config":{"limits.cpu":"2","security.nesting":"true","user.x":""}})");
  EXPECT_EQ(json("devices:\n  eth0:\n    vlan: 5\n"), R"({"devices":{"eth0":{"vlan":"5"}}})");
  EXPECT_EQ(json("ephemeral: true\nname: 12\nconfig:\n"), R"({"ephemeral":true,"name":"12","config":null})");
}

TEST(Yaml, AnEmptyDocumentIsAnEmptyObject) {
  EXPECT_EQ(json(""), "{}");
  EXPECT_EQ(json("# only a comment\n"), "{}");
}

TEST(Yaml, ErrorsSayWhere) {
  EXPECT_EQ(json("a: 1\na: 2\n"), "error: yaml: line 2, column 1: key \"a\" stands here twice");
  EXPECT_TRUE(json("a: [1\n").starts_with("error: yaml: line ")) << json("a: [1\n");
  EXPECT_TRUE(json(std::string(200, '[')).starts_with("error: yaml"));
}

TEST(Yaml, PrettyJsonIsSortedWithTabs) {
  EXPECT_EQ(*pretty_json(R"({"b":[1,{}],"a":"x"})"), "{\n\t\"a\": \"x\",\n\t\"b\": [\n\t\t1,\n\t\t{}\n\t]\n}\n");
  EXPECT_FALSE(pretty_json("{").ok());
}

}  // namespace
}  // namespace cella::cli
