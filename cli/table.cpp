#include "cli/table.h"

#include <algorithm>
#include <cwchar>

#include "cli/quantity.h"
#include "cli/yaml.h"

namespace cella::cli {
namespace {

std::vector<std::string> lines_of(const std::string& cell) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  while (true) {
    const std::size_t end = cell.find('\n', start);
    lines.push_back(cell.substr(start, end - start));
    if (end == std::string::npos) return lines;
    start = end + 1;
  }
}

// "eth0.network" stands above its column as "ETH0 NETWORK".
std::string title(const std::string& header) {
  std::string out = upper_case(header);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '.' || c == '_'; }, ' ');
  return out;
}

std::vector<std::size_t> column_widths(const Table& table) {
  std::vector<std::size_t> widths;
  for (const std::string& header : table.headers) widths.push_back(display_width(title(header)));
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < widths.size() && i < row.size(); ++i) {
      for (const std::string& line : lines_of(row[i])) widths[i] = std::max(widths[i], display_width(line));
    }
  }
  return widths;
}

std::string centred(const std::string& text, std::size_t width) {
  const std::size_t spare = width - display_width(text);
  return std::string(spare / 2, ' ') + text + std::string(spare - spare / 2, ' ');
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, display_width(text)), ' ');
}

std::size_t row_height(const std::vector<std::string>& row) {
  std::size_t height = 1;
  for (const std::string& cell : row) height = std::max(height, lines_of(cell).size());
  return height;
}

// One row as lines of text; between, before, after: what stands between cells.
void append_row(std::string& out, const std::vector<std::string>& row, const std::vector<std::size_t>& widths,
                std::string_view before, std::string_view between, std::string_view after) {
  const std::size_t height = row_height(row);
  for (std::size_t line = 0; line < height; ++line) {
    out.append(before);
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const std::vector<std::string> lines = lines_of(i < row.size() ? row[i] : std::string());
      if (i > 0) out.append(between);
      out.append(padded(line < lines.size() ? lines[line] : std::string(), widths[i]));
    }
    out.append(after).append("\n");
  }
}

void append_header(std::string& out, const Table& table, const std::vector<std::size_t>& widths,
                   std::string_view before, std::string_view between, std::string_view after) {
  std::vector<std::string> cells;
  for (std::size_t i = 0; i < widths.size(); ++i) cells.push_back(centred(title(table.headers[i]), widths[i]));
  append_row(out, cells, widths, before, between, after);
}

std::string csv_cell(const std::string& cell) {
  const bool quote = cell.find_first_of(",\"\r\n") != std::string::npos || cell.starts_with(' ') ||
                     cell.starts_with('\t') || cell == "\\.";
  if (!quote) return cell;
  std::string out = "\"";
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

// Decodes one UTF-8 character and moves on; a broken byte counts as itself.
char32_t next_character(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  char32_t value = length == 1 ? lead : lead & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length && i < text.size(); ++i) {
    value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  text.remove_prefix(std::min(length, text.size()));
  return value;
}

bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
         (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

bool is_combining(char32_t c) {
  return (c >= 0x0300 && c <= 0x036f) || (c >= 0x200b && c <= 0x200f) || (c >= 0xfe00 && c <= 0xfe0f);
}

}  // namespace

Result<ListFormat> parse_list_format(std::string_view text) {
  if (text == "table") return ListFormat::kTable;
  if (text == "compact") return ListFormat::kCompact;
  if (text == "csv") return ListFormat::kCsv;
  if (text == "json") return ListFormat::kJson;
  if (text == "yaml") return ListFormat::kYaml;
  return invalid_value("--format", text, "use table, compact, csv, json or yaml");
}

Flag list_format_flag() {
  return {.letter = 'f',
          .name = "format",
          .value = "format",
          .help = "csv, json, table, yaml or compact",
          .fallback = "table"};
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const char32_t c = next_character(text);
    if (!is_combining(c)) width += is_wide(c) ? 2 : 1;
  }
  return width;
}

bool natural_less(std::string_view left, std::string_view right) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  while (!left.empty() && !right.empty()) {
    if (digit(left[0]) && digit(right[0])) {
      const auto number = [&](std::string_view& text) {
        std::size_t end = 0;
        while (end < text.size() && digit(text[end])) ++end;
        std::string_view run = text.substr(0, end);
        text.remove_prefix(end);
        run.remove_prefix(std::min(run.find_first_not_of('0'), run.size()));
        return run;
      };
      const std::string_view a = number(left);
      const std::string_view b = number(right);
      if (a.size() != b.size()) return a.size() < b.size();
      if (a != b) return a < b;
      continue;
    }
    if (left[0] != right[0]) return left[0] < right[0];
    left.remove_prefix(1);
    right.remove_prefix(1);
  }
  return left.size() < right.size();
}

void sort_rows(Table& table) {
  std::stable_sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) {
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
      // Rows without a name come last, as LXD's client has them.
      if (a[i].empty() != b[i].empty()) return b[i].empty();
      if (natural_less(a[i], b[i])) return true;
      if (natural_less(b[i], a[i])) return false;
    }
    return false;
  });
}

std::string framed_table(const Table& table) {
  const std::vector<std::size_t> widths = column_widths(table);
  std::string rule = "+";
  for (const std::size_t width : widths) rule += std::string(width + 2, '-') + "+";
  rule += "\n";
  std::string out = rule;
  append_header(out, table, widths, "| ", " | ", " |");
  out += rule;
  for (const auto& row : table.rows) {
    append_row(out, row, widths, "| ", " | ", " |");
    out += rule;
  }
  return out;
}

std::string compact_table(const Table& table) {
  const std::vector<std::size_t> widths = column_widths(table);
  std::string out;
  append_header(out, table, widths, "  ", "  ", "  ");
  for (const auto& row : table.rows) append_row(out, row, widths, "  ", "  ", "  ");
  return out;
}

std::string csv_table(const Table& table) {
  std::string out;
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) out.append(i == 0 ? "" : ",").append(csv_cell(row[i]));
    out += '\n';
  }
  return out;
}

Result<std::string> render_list(ListFormat format, const Table& table, std::string_view json) {
  switch (format) {
    case ListFormat::kTable:
      return framed_table(table);
    case ListFormat::kCompact:
      return compact_table(table);
    case ListFormat::kCsv:
      return csv_table(table);
    case ListFormat::kJson:
      return std::string(json) + "\n";
    case ListFormat::kYaml:
      return yaml_of_json(json);
  }
  return Error(ErrorKind::kInternal, "list format out of range");
}

}  // namespace cella::cli
