#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace machine::recorded {

/// Returns the text with each secret replaced by "REDACTED": values with a name such as password, secret, token, key,
/// cookie or signature, in any case and in every usual form ("name=value", "name: value", "--name value", JSON also
/// nested, XML, URLs also encoded, headers), passwords in URLs, PEM private keys, and values that are recognizable by
/// themselves (bearer tokens, JSON web tokens). The surrounding text stays. Codes and numbers of errors are not
/// secrets.
std::string redact(std::string_view text);

/// Does the same for the words of a command line, in which an option and its value are two words.
std::vector<std::string> redact_words(const std::vector<std::string>& words);

/// Returns true if the whole file is a secret (private keys, by its name).
bool is_secret_file(std::string_view path);

}  // namespace machine::recorded
