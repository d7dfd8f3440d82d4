#include "cli/table.h"

#include <gtest/gtest.h>

#include "cli/quantity.h"

namespace cella::cli {
namespace {

Table instances() {
  return {.headers = {"NAME", "STATE", "IPV4"},
          .rows = {{"c10", "STOPPED", ""}, {"c2", "RUNNING", "10.0.0.2 (eth0)\n10.0.0.1 (eth0)"}}};
}

TEST(Table, SortsNaturallyAndFrames) {
  Table table = instances();
  sort_rows(table);
  EXPECT_EQ(framed_table(table),
            "+------+---------+-----------------+\n"
            "| NAME |  STATE  |      IPV4       |\n"
            "+------+---------+-----------------+\n"
            "| c2   | RUNNING | 10.0.0.2 (eth0) |\n"
            "|      |         | 10.0.0.1 (eth0) |\n"
            "+------+---------+-----------------+\n"
            "| c10  | STOPPED |                 |\n"
            "+------+---------+-----------------+\n");
}

TEST(Table, FramesAnEmptyListAsItsHeader) {
  EXPECT_EQ(framed_table({.headers = {"A", "eth0.network"}, .rows = {}}),
            "+---+--------------+\n"
            "| A | ETH0 NETWORK |\n"
            "+---+--------------+\n");
}

TEST(Table, CompactHasNoFrame) {
  EXPECT_EQ(compact_table({.headers = {"NAME", "STATE"}, .rows = {{"c1", "RUNNING"}}}),
            "  NAME   STATE   \n"
            "  c1    RUNNING  \n");
}

TEST(Table, CsvQuotesWhatNeedsIt) {
  EXPECT_EQ(csv_table({.headers = {}, .rows = {{"plain", "a,b", "say \"x\"", "two\nlines", " lead", "trail "}}}),
            "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\" lead\",trail \n");
}

TEST(Table, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(display_width("für"), 3u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
}

TEST(Table, NaturalOrderReadsNumbers) {
  EXPECT_TRUE(natural_less("c2", "c10"));
  EXPECT_FALSE(natural_less("c10", "c2"));
  EXPECT_TRUE(natural_less("a", "b"));
  EXPECT_TRUE(natural_less("c", "c1"));
  EXPECT_FALSE(natural_less("c007", "c7"));
}

TEST(Table, RendersJsonAsGivenAndYamlFromIt) {
  const Table table{.headers = {"A"}, .rows = {{"x"}}};
  EXPECT_EQ(*render_list(ListFormat::kJson, table, "[{\"a\":1}]"), "[{\"a\":1}]\n");
  EXPECT_EQ(*render_list(ListFormat::kYaml, table, "[{\"a\":1}]"), "- a: 1\n");
  EXPECT_FALSE(parse_list_format("xml").ok());
}

TEST(Quantity, SizesAsTheClientPrintsThem) {
  EXPECT_EQ(decimal_size(999), "999B");
  EXPECT_EQ(decimal_size(2080), "2.08kB");
  EXPECT_EQ(binary_size(872448), "852.00KiB");
  EXPECT_EQ(binary_size(1024), "1.00KiB");
  EXPECT_EQ(image_size(2063757), "1.97MB");
}

TEST(Quantity, TimesInTheirTwoForms) {
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(short_time("2026-11-23T08:11:00.306668208Z"), "2026/11/23 08:11 UTC");
  EXPECT_EQ(long_time("2026-11-23T08:11:00Z"), "Nov 23, 2026 at 8:11am (UTC)");
  EXPECT_EQ(long_time("2026-11-03T00:05:00Z"), "Nov 3, 2026 at 12:05am (UTC)");
  EXPECT_FALSE(is_time_set("0001-01-01T00:00:00Z"));
  EXPECT_FALSE(is_time_set("1970-01-01T00:00:00Z"));
  EXPECT_FALSE(is_time_set(""));
}

}  // namespace
}  // namespace cella::cli
