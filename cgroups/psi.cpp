#include "cgroups/psi.h"

#include <cerrno>
#include <charconv>

#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {

std::optional<double> find_decimal(std::string_view line, std::string_view key) {
  const auto text = find_nested(line, key);
  if (!text) return std::nullopt;
  double number = 0;
  const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || stop != text->data() + text->size()) return std::nullopt;
  return number;
}

// some avg10=0.00 avg60=0.00 avg300=0.00 total=0
std::optional<PressureLine> parse_line(std::string_view line) {
  const auto ten = find_decimal(line, "avg10");
  const auto sixty = find_decimal(line, "avg60");
  const auto three_hundred = find_decimal(line, "avg300");
  const auto total = find_nested(line, "total");
  const auto total_us = total ? find_number(*total) : std::nullopt;
  if (!ten || !sixty || !three_hundred || !total_us) return std::nullopt;
  return PressureLine{*ten, *sixty, *three_hundred, std::chrono::microseconds(*total_us)};
}

constexpr std::string_view file_of(PressureKind kind) {
  switch (kind) {
    case PressureKind::kCpu: return "cpu.pressure";
    case PressureKind::kMemory: return "memory.pressure";
    case PressureKind::kIo: return "io.pressure";
  }
  return {};
}

}  // namespace

Result<Pressure> parse_pressure(std::string_view text) {
  std::optional<PressureLine> some;
  std::optional<PressureLine> full;
  for (const std::string_view line : split_lines(text)) {
    if (line.substr(0, 5) == "some ") some = parse_line(line);
    if (line.substr(0, 5) == "full ") full = parse_line(line);
  }
  if (!some) return Error(ErrorKind::kIo, "no \"some\" line in pressure \"" + std::string(text) + "\"");
  return Pressure{*some, full};
}

Result<Pressure> read_pressure(const Cgroup& cgroup, PressureKind kind) {
  const std::string file(file_of(kind));
  auto text = cgroup.read(file);
  // Booted with psi=0 the file is there and answers EOPNOTSUPP.
  if (!text && text.error().errno_value() == EOPNOTSUPP)
    return Error(ErrorKind::kNotFound, EOPNOTSUPP, text.error().what());
  return parse_pressure(TRY(std::move(text)));
}

}  // namespace cella::cgroups
