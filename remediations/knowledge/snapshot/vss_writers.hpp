#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// VSS_WRITER_STATE of vss.h: the values that this program uses by name.
enum class WriterState : std::uint8_t {
    unknown = 0,
    stable = 1,
    waiting_for_freeze = 2,
    waiting_for_thaw = 3,
    waiting_for_post_snapshot = 4,
    waiting_for_backup_complete = 5,
    failed_at_identify = 6,  ///< the first of the failed states
    failed_at_backup_shutdown = 15,
};

/// A writer as `vssadmin list writers` shows it.
struct VssWriter {
    std::string name;         ///< not translated; UTF-8; other bytes are replaced by '?'
    std::string id;           ///< of its class: lower case, with braces
    std::string instance_id;  ///< lower case, with braces
    unsigned state = 0;       ///< VSS_WRITER_STATE
    std::string state_text;   ///< the line for people, in the system's language
    std::string error_text;   ///< the next line, also in the system's language: "Last error: Timed out"; may be empty

    friend bool operator==(const VssWriter&, const VssWriter&) = default;
};

bool has_failed(const VssWriter& writer);
/// Returns "failed at PrepareForSnapshot", in English whatever the system's language is.
std::string_view meaning_of_writer_state(unsigned state);

/// Parses the output of vssadmin in any display language and code page. Of each writer it uses only the two GUIDs at
/// the ends of lines, the state number in brackets, and its name, which is the quoted text before them. Returns an
/// empty list where there is no writer. ErrorKind::invalid names the line where a writer is incomplete.
machine::Result<std::vector<VssWriter>> parse_vss_writers(std::string_view output);

/// The answer of vssadmin. It is asked once and may take up to three minutes, because it waits for every writer. For a
/// caller that has a reason to suspect VSS; see writers_of().
class VssWriters {
public:
    explicit VssWriters(const machine::Machine& machine);
    VssWriters(const machine::Machine& machine, std::chrono::milliseconds patience);

    /// ErrorKind::timed_out where a writer or VSS hangs; failed, with the output of vssadmin, where it ended with an
    /// error.
    const machine::Result<std::vector<VssWriter>>& list() const { return list_; }
    /// Returns the command, for evidence.
    const std::string& command() const { return command_; }

private:
    std::string command_;
    machine::Result<std::vector<VssWriter>> list_;
};

/// The same for a caller without such a reason: it takes at most half a minute, so that no healthy machine keeps
/// anybody waiting for longer.
class UnsuspectedVssWriters : public VssWriters {
public:
    explicit UnsuspectedVssWriters(const machine::Machine& machine);
};

/// Returns the GUIDs, {8-4-4-4-12} hexadecimal digits, in lower case, in the order of the text.
std::vector<std::string> guids_in(std::string_view text);

}  // namespace remediations
