// Lists as a user reads them: a framed table, a compact one, CSV; and the same list as JSON or YAML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace cella::cli {

enum class ListFormat { kTable, kCompact, kCsv, kJson, kYaml };

// "table", "compact", "csv", "json", "yaml". Errors: kInvalid naming --format and the text.
Result<ListFormat> parse_list_format(std::string_view text);

// -f, --format.
Flag list_format_flag();

struct Table {
  std::vector<std::string> headers;
  std::vector<std::vector<std::string>> rows;  // a cell may hold several lines
};

// Rows in natural order of their cells, first column first ("c2" before "c10").
void sort_rows(Table& table);
bool natural_less(std::string_view left, std::string_view right);

std::string framed_table(const Table& table);
std::string compact_table(const Table& table);
// RFC 4180 without headers: a cell with a comma, quote, line break or leading blank is quoted.
std::string csv_table(const Table& table);

// The list in the format asked for. json: the list's JSON text, used for kJson (one line) and kYaml.
// Errors: kInternal when json is no JSON.
Result<std::string> render_list(ListFormat format, const Table& table, std::string_view json);

// Columns a terminal needs to show UTF-8 text; combining marks count nothing, wide characters two.
std::size_t display_width(std::string_view text);

}  // namespace cella::cli
