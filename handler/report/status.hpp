#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/result.hpp"

namespace handler {

/// The agent's words. "warning" is not a final one: the agent keeps waiting after it, so only a substatus may have it.
enum class StatusWord { transitioning, success, warning, error };
std::string_view to_string(StatusWord word);

struct Substatus {
    std::string name;  ///< a layer or a remediation id
    StatusWord status = StatusWord::success;
    int code = 0;
    std::string message;
};

/// The status of one sequence number, for Azure.
struct Status {
    StatusWord status = StatusWord::transitioning;
    int code = 0;
    std::string message;
    std::vector<Substatus> substatus;
};

/// Limits of the guest agent, in bytes. It cuts longer texts by itself, without a note.
inline constexpr std::size_t status_message_limit = std::size_t{1} << 10;
inline constexpr std::size_t substatus_limit = std::size_t{10} << 10;
inline constexpr std::size_t status_file_limit = std::size_t{128} << 10;

/// Returns the content of a status file. A text above its limit is cut at a character boundary, with a note that names
/// `log`. Bytes that are not UTF-8, and control characters, are replaced.
std::string status_file_text(const Status& status, std::string_view handler_name,
                             std::chrono::system_clock::time_point now, const std::filesystem::path& log);

/// The same status with one substatus in place of that of its name, or behind the others, as of `now`.
/// ErrorKind::invalid where the text is none that this program wrote; too_large where it would not fit.
machine::Result<std::string> with_substatus(const std::string& status_text, const Substatus& substatus,
                                            std::chrono::system_clock::time_point now,
                                            const std::filesystem::path& log);

/// Returns `text`, or its beginning and "... (cut; see <log>)", in at most `limit` bytes.
std::string cut(std::string_view text, std::size_t limit, const std::filesystem::path& log);

/// Returns "2026-11-21T01:49:07Z".
std::string utc_text(std::chrono::system_clock::time_point time);

}  // namespace handler
