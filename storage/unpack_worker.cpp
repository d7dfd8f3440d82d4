#include "storage/unpack_worker.h"

#include <fcntl.h>
#include <unistd.h>
#include <clocale>
#include <exception>
#include <optional>

#include "base/files.h"
#include "storage/archive_members.h"
#include "storage/archive_reader.h"
#include "storage/member_writer.h"
#include "storage/owner_shift.h"

namespace cella::storage {
namespace {

constexpr std::int64_t kMaxId = 65535;
constexpr std::uint64_t kProgressStep = 1u << 20;

class Unpacking {
 public:
  Unpacking(const WorkerJob& job, ArchiveReader reader) : job_(job), reader_(std::move(reader)) {
    if (job.destination != nullptr) writer_.emplace(*job.destination);
    if (job.owners) shift_.emplace(*job.owners);
  }

  Result<void> run() {
    ArchiveMember member;
    while (TRY(reader_.next(member))) {
      if (++totals_.entries > job_.limits.max_entries)
        return Error(ErrorKind::kNoSpace,
                     "archive has more than " + std::to_string(job_.limits.max_entries) + " members");
      Result<void> done = take(member);
      if (!done.ok()) {
        if (done.error().kind() == ErrorKind::kInvalid) return done;  // names the member already
        return std::move(done).error().with_context("unpack \"" + member.name + "\"");
      }
      TRY(report_progress());
      if (job_.layout == ArchiveLayout::kBackupIndex && !metadata_.empty()) return kOk;
    }
    if (writer_) TRY(writer_->finish());
    return check_complete();
  }

  WorkerMessage totals() const {
    WorkerMessage message = totals_;
    message.type = WorkerMessageType::kDone;
    message.consumed = reader_.consumed();
    if (writer_) message.skipped_attributes = writer_->skipped_attributes();
    return message;
  }
  const std::string& metadata() const { return metadata_; }
  bool plain() const { return reader_.plain(); }

 private:
  Result<void> take(ArchiveMember& member) {
    const MemberPath path = TRY(plain_member_path(member.name, job_.layout, job_.part));
    if (path.path.empty() || path.part == MemberPart::kIgnored) return skip_contents();
    if (member.type == MemberType::kHardLink) return take_hard_link(path, member);
    TRY(check_member_type(path, member.type));
    if (shift_ && path.part == MemberPart::kRootfs) shift_->apply(member);
    TRY(check_ids(member));
    if (member.type == MemberType::kSymlink) TRY(check_link_text(path, member.link));
    const MemberAction action = TRY(index_.add(path, member.type));
    TRY(count_bytes(member));
    if (member.type == MemberType::kDevice || member.type == MemberType::kSocket) {
      ++totals_.skipped_devices;
      return kOk;
    }
    if (path.part == MemberPart::kMetadata) return read_metadata(member);
    if (!writer_) return skip_contents();
    return writer_->write(path, member, action, reader_);
  }

  Result<void> take_hard_link(const MemberPath& path, const ArchiveMember& member) {
    TRY(check_member_type(path, MemberType::kFile));
    const MemberPath target = TRY(plain_member_path(member.link, job_.layout, job_.part));
    const MemberAction action = TRY(index_.add_hard_link(path, target));
    if (index_.is_device(target.path) || !writer_) return skip_contents();
    TRY(writer_->link(path, target, action));
    return skip_contents();
  }

  Result<void> check_ids(const ArchiveMember& member) const {
    if (member.uid >= 0 && member.uid <= kMaxId && member.gid >= 0 && member.gid <= kMaxId) return kOk;
    return invalid_value("archive member", member.name.substr(0, 300),
                         "owner " + std::to_string(member.uid) + ":" + std::to_string(member.gid) + " above 65535");
  }

  Result<void> count_bytes(const ArchiveMember& member) {
    totals_.bytes += member.size;
    if (member.size <= job_.limits.max_bytes.value && totals_.bytes <= job_.limits.max_bytes.value) return kOk;
    return Error(ErrorKind::kNoSpace, "archive expands to more than " + format_size(job_.limits.max_bytes));
  }

  Result<void> read_metadata(const ArchiveMember& member) {
    if (member.size > kMaxWorkerText)
      return invalid_value("archive member", member.name, "metadata.yaml longer than 1 MiB");
    metadata_.assign(member.size, '\0');
    DataBlock block;
    while (TRY(reader_.next_block(block))) {
      const std::size_t offset = static_cast<std::size_t>(block.offset);
      if (offset + block.size > metadata_.size())
        return invalid_value("archive member", member.name, "longer than it says");
      metadata_.replace(offset, block.size, static_cast<const char*>(block.data), block.size);
    }
    if (!writer_) return kOk;
    // Same text again, as the volume's own copy; a second member of the name was given kReplace by the index.
    const Fd file = TRY(open_at(*job_.destination, "metadata.yaml", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644));
    return write_all(file, metadata_);
  }

  // Reads over the contents so that damage in them is found.
  Result<void> skip_contents() {
    DataBlock block;
    while (TRY(reader_.next_block(block))) TRY(report_progress());
    return kOk;
  }

  Result<void> check_complete() {
    if (job_.layout == ArchiveLayout::kBackupIndex)
      return Error(ErrorKind::kInvalid, "archive has no backup/index.yaml: it is not a backup");
    const bool needs_metadata = job_.layout == ArchiveLayout::kUnified || job_.layout == ArchiveLayout::kMetadata;
    if (needs_metadata && metadata_.empty())
      return Error(ErrorKind::kInvalid, "archive has no metadata.yaml");
    if (job_.layout != ArchiveLayout::kMetadata && !index_.has_directory("rootfs"))
      return Error(ErrorKind::kInvalid, job_.layout == ArchiveLayout::kRootfs ? "archive has no members"
                                                                              : "archive has no rootfs directory");
    return kOk;
  }

  Result<void> report_progress() {
    const std::uint64_t consumed = reader_.consumed();
    if (consumed < reported_ + kProgressStep) return kOk;
    reported_ = consumed;
    WorkerMessage message = totals_;
    message.consumed = consumed;
    return write_all(job_.report, {reinterpret_cast<const char*>(&message), sizeof message});
  }

  const WorkerJob& job_;
  ArchiveReader reader_;
  std::optional<MemberWriter> writer_;
  std::optional<OwnerShift> shift_;
  MemberIndex index_;
  WorkerMessage totals_;
  std::string metadata_;
  std::uint64_t reported_ = 0;
};

void send(const Fd& report, WorkerMessage message, std::string_view text) {
  text = text.substr(0, kMaxWorkerText);
  message.text_size = static_cast<std::uint32_t>(text.size());
  // SAFETY: the parent reads the same structure of the same program.
  const Result<void> head = write_all(report, {reinterpret_cast<const char*>(&message), sizeof message});
  // A parent that is gone needs no report.
  if (head.ok()) static_cast<void>(write_all(report, text));
}

// A plain tar ends with zero blocks; without them it was cut at a member's end, which nothing else would notice.
Result<void> check_ending(const Fd& archive) {
  char block[512];
  const off_t end = ::lseek(archive.get(), 0, SEEK_END);
  if (end < 512 || ::pread(archive.get(), block, sizeof block, end - 512) != sizeof block)
    return Error(ErrorKind::kInvalid, "archive damaged: shorter than a block");
  for (const char byte : block)
    if (byte != 0) return Error(ErrorKind::kInvalid, "archive damaged: cut short, no end-of-archive block");
  return kOk;
}

Result<void> work(const WorkerJob& job) {
  TRY(enter_confinement(job));
  Unpacking unpacking(job, TRY(ArchiveReader::open(job.archive)));
  TRY(unpacking.run());
  if (unpacking.plain()) TRY(check_ending(job.archive));
  WorkerMessage metadata;
  metadata.type = WorkerMessageType::kMetadata;
  if (!unpacking.metadata().empty()) send(job.report, metadata, unpacking.metadata());
  send(job.report, unpacking.totals(), "");
  return kOk;
}

}  // namespace

int run_unpack_worker(const WorkerJob& job) noexcept {
  try {
    // Names are UTF-8 in pax headers; in the C locale libarchive could not hand them out.
    ::setlocale(LC_CTYPE, "C.UTF-8");
    const Result<void> outcome = work(job);
    if (outcome.ok()) return 0;
    WorkerMessage message;
    message.type = WorkerMessageType::kFailed;
    message.error_kind = static_cast<std::uint32_t>(outcome.error().kind());
    message.error_number = outcome.error().errno_value();
    send(job.report, message, outcome.error().what());
  } catch (const std::exception& exception) {
    WorkerMessage message;
    message.type = WorkerMessageType::kFailed;
    message.error_kind = static_cast<std::uint32_t>(ErrorKind::kNoSpace);
    send(job.report, message, std::string("unpack: ") + exception.what());
  }
  return 1;
}

}  // namespace cella::storage
