// An image's files as an answer.
#pragma once

#include "base/result.h"
#include "daemon/message.h"
#include "manager/image.h"

namespace cella::daemon {

// A unified image: its one file. A split one: multipart/form-data with "metadata" and "rootfs". Errors: kIo naming a file.
Result<Reply> export_reply(const manager::ImageExport& files);

}  // namespace cella::daemon
