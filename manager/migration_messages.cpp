#include "manager/migration_messages.h"

#include <array>


namespace cella::manager {
namespace {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr std::uint32_t kStreams = 1000;               // of MigrationHeader
constexpr std::uint32_t kSnapshotDescription = 1000;   // of Snapshot
constexpr std::size_t kMaxSnapshots = 10'000;

// LXD's numbers of architectures, as the kernel names them.
constexpr std::array<const char*, 8> kArchitectures{"",      "i686", "x86_64",  "armv7l",
                                                    "aarch64", "ppc", "ppc64", "ppc64le"};

class Writer {
 public:
  void number(std::uint32_t field, std::uint64_t value) {
    tag(field, WireType::kVarint);
    varint(value);
  }
  void bytes(std::uint32_t field, std::string_view value) {
    tag(field, WireType::kBytes);
    varint(value.size());
    out_ += value;
  }
  std::string take() { return std::move(out_); }

 private:
  void tag(std::uint32_t field, WireType type) { varint(std::uint64_t{field} << 3 | static_cast<std::uint8_t>(type)); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>((value & 0x7f) | 0x80);
    out_ += static_cast<char>(value);
  }
  std::string out_;
};

struct Field {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;  // of a varint
  std::string_view bytes;

  bool is(std::uint32_t wanted, WireType wanted_type) const { return number == wanted && type == wanted_type; }
};

Error damaged() { return Error(ErrorKind::kInvalid, "migration: the other server sent a message that is none"); }

class Reader {
 public:
  explicit Reader(std::string_view message) : rest_(message) {}
  bool at_end() const { return rest_.empty(); }

  Result<Field> next() {
    const std::uint64_t tag = TRY(varint());
    Field field{static_cast<std::uint32_t>(tag >> 3), static_cast<WireType>(tag & 7), 0, {}};
    if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return damaged();
    switch (field.type) {
      case WireType::kVarint:
        field.value = TRY(varint());
        return field;
      case WireType::kFixed64:
        field.bytes = TRY(take(8));
        return field;
      case WireType::kBytes:
        field.bytes = TRY(take(TRY(varint())));
        return field;
      case WireType::kFixed32:
        field.bytes = TRY(take(4));
        return field;
    }
    return damaged();
  }

 private:
  Result<std::string_view> take(std::uint64_t count) {
    if (count > rest_.size()) return damaged();
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  Result<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return damaged();
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    return damaged();
  }
  std::string_view rest_;
};

template <typename Take>
Result<void> for_each_field(std::string_view message, const Take& take) {
  for (Reader reader(message); !reader.at_end();) TRY(take(TRY(reader.next())));
  return kOk;
}

std::uint64_t seconds_of(Timestamp time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}
Timestamp time_of(std::uint64_t seconds) { return Timestamp(std::chrono::seconds(static_cast<std::int64_t>(seconds))); }

std::string encode_pair(const std::string& key, const std::string& value) {
  Writer writer;
  writer.bytes(1, key);
  writer.bytes(2, value);
  return writer.take();
}

Result<void> read_pair(std::string_view message, Config& into) {
  std::string key, value;
  TRY(for_each_field(message, [&](const Field& field) -> Result<void> {
    if (field.is(1, WireType::kBytes)) key = field.bytes;
    if (field.is(2, WireType::kBytes)) value = field.bytes;
    return kOk;
  }));
  into[key] = value;
  return kOk;
}

std::string encode_device(const std::string& name, const Device& device) {
  Writer writer;
  writer.bytes(1, name);
  for (const auto& [key, value] : device) writer.bytes(2, encode_pair(key, value));
  return writer.take();
}

Result<void> read_device(std::string_view message, Devices& into) {
  std::string name;
  Device device;
  TRY(for_each_field(message, [&](const Field& field) -> Result<void> {
    if (field.is(1, WireType::kBytes)) name = field.bytes;
    return field.is(2, WireType::kBytes) ? read_pair(field.bytes, device) : Result<void>(kOk);
  }));
  into[name] = std::move(device);
  return kOk;
}

std::uint64_t architecture_number(const std::string& name) {
  for (std::size_t i = 1; i < kArchitectures.size(); ++i) {
    if (name == kArchitectures[i]) return i;
  }
  return 0;
}

std::string encode_snapshot(const SnapshotRecord& snapshot) {
  Writer writer;
  writer.bytes(1, snapshot.name);
  for (const auto& [key, value] : snapshot.config) writer.bytes(2, encode_pair(key, value));
  for (const std::string& profile : snapshot.profiles) writer.bytes(3, profile);
  writer.number(4, snapshot.ephemeral ? 1 : 0);
  for (const auto& [name, device] : snapshot.devices) writer.bytes(5, encode_device(name, device));
  writer.number(6, architecture_number(snapshot.architecture));
  writer.number(7, 0);
  writer.number(8, seconds_of(snapshot.created_at));
  writer.number(9, seconds_of(snapshot.last_used_at));
  if (snapshot.expires_at) writer.number(10, seconds_of(*snapshot.expires_at));
  if (!snapshot.description.empty()) writer.bytes(kSnapshotDescription, snapshot.description);
  return writer.take();
}

Result<void> take_snapshot_field(const Field& field, SnapshotRecord& snapshot) {
  if (field.is(1, WireType::kBytes)) snapshot.name = field.bytes;
  if (field.is(2, WireType::kBytes)) TRY(read_pair(field.bytes, snapshot.config));
  if (field.is(3, WireType::kBytes)) snapshot.profiles.emplace_back(field.bytes);
  if (field.is(4, WireType::kVarint)) snapshot.ephemeral = field.value != 0;
  if (field.is(5, WireType::kBytes)) TRY(read_device(field.bytes, snapshot.devices));
  if (field.is(6, WireType::kVarint) && field.value < kArchitectures.size())
    snapshot.architecture = kArchitectures[field.value];
  if (field.is(8, WireType::kVarint)) snapshot.created_at = time_of(field.value);
  if (field.is(9, WireType::kVarint)) snapshot.last_used_at = time_of(field.value);
  if (field.is(10, WireType::kVarint) && field.value != 0) snapshot.expires_at = time_of(field.value);
  if (field.is(kSnapshotDescription, WireType::kBytes)) snapshot.description = field.bytes;
  return kOk;
}

Result<SnapshotRecord> decode_snapshot(std::string_view message) {
  SnapshotRecord snapshot;
  TRY(for_each_field(message, [&](const Field& field) { return take_snapshot_field(field, snapshot); }));
  return snapshot;
}

}  // namespace

std::string encode_header(const MigrationHeader& header) {
  Writer writer;
  writer.number(1, header.file_system);
  for (const SnapshotRecord& snapshot : header.snapshots) writer.bytes(4, snapshot.name);
  for (const SnapshotRecord& snapshot : header.snapshots) writer.bytes(5, encode_snapshot(snapshot));
  if (header.refresh) writer.number(9, 1);
  for (const std::string& stream : header.streams) writer.bytes(kStreams, stream);
  return writer.take();
}

Result<MigrationHeader> decode_header(std::string_view message) {
  MigrationHeader header;
  TRY(for_each_field(message, [&](const Field& field) -> Result<void> {
    if (field.is(1, WireType::kVarint)) header.file_system = field.value;
    if (field.is(5, WireType::kBytes)) header.snapshots.push_back(TRY(decode_snapshot(field.bytes)));
    if (field.is(9, WireType::kVarint)) header.refresh = field.value != 0;
    if (field.is(kStreams, WireType::kBytes)) header.streams.emplace_back(field.bytes);
    return header.snapshots.size() > kMaxSnapshots ? Result<void>(damaged()) : Result<void>(kOk);
  }));
  return header;
}

std::string encode_outcome(const MigrationOutcome& outcome) {
  Writer writer;
  writer.number(1, outcome.success ? 1 : 0);
  if (!outcome.message.empty()) writer.bytes(2, outcome.message);
  return writer.take();
}

Result<MigrationOutcome> decode_outcome(std::string_view message) {
  MigrationOutcome outcome;
  TRY(for_each_field(message, [&](const Field& field) -> Result<void> {
    if (field.is(1, WireType::kVarint)) outcome.success = field.value != 0;
    if (field.is(2, WireType::kBytes)) outcome.message = field.bytes;
    return kOk;
  }));
  return outcome;
}

}  // namespace cella::manager
