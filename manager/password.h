// Passwords are kept as salted scrypt hashes.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::manager {

// "scrypt:SALT:HASH", both hexadecimal. Takes about 50 ms and 16 MiB on purpose.
Result<std::string> hash_password(std::string_view password);
// Errors: kInternal when `hash` is not of hash_password()'s form.
Result<bool> matches_password(std::string_view password, std::string_view hash);

}  // namespace cella::manager
