#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace machine::recorded {

/// The text without secrets: what is called a password, secret, token, key, cookie, signature or the like, in any case
/// and in every usual form ("name=value", "name: value", "--name value", JSON also nested, XML, URLs also encoded,
/// headers), passwords of URLs, PEM private keys, and values that tell themselves (bearer tokens, JSON web tokens).
/// Each is replaced by "REDACTED"; what surrounds it stays. Codes and numbers of errors are no secrets.
std::string redact(std::string_view text);

/// The same for the words of a command line, where an option and its value are two.
std::vector<std::string> redact_words(const std::vector<std::string>& words);

/// Whether a file is a secret as a whole (private keys, by its name).
bool is_secret_file(std::string_view path);

}  // namespace machine::recorded
