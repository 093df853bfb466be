#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// VSS_WRITER_STATE of vss.h, as far as more than its number matters here.
enum class WriterState : std::uint8_t {
    unknown = 0,
    stable = 1,
    waiting_for_freeze = 2,
    waiting_for_thaw = 3,
    waiting_for_post_snapshot = 4,
    waiting_for_backup_complete = 5,
    failed_at_identify = 6,  ///< the first of the failed ones
    failed_at_backup_shutdown = 15,
};

/// A writer as `vssadmin list writers` shows it.
struct VssWriter {
    std::string name;         ///< not translated; UTF-8, what is not is replaced by '?'
    std::string id;           ///< of its class: lower case, with braces
    std::string instance_id;  ///< likewise
    unsigned state = 0;       ///< VSS_WRITER_STATE
    std::string state_text;   ///< the line in the system's language, for people
    std::string error_text;   ///< likewise, the line behind it: "Last error: Timed out"; may be empty

    friend bool operator==(const VssWriter&, const VssWriter&) = default;
};

bool has_failed(const VssWriter& writer);
/// "failed at PrepareForSnapshot", in English whatever the system's language.
std::string_view meaning_of_writer_state(unsigned state);

/// Reads what vssadmin prints, in any display language and code page: of each writer only its two GUIDs at the ends of
/// lines and the state number in brackets count; its name is what stands in quotes before them. No writer is an empty
/// list. ErrorKind::invalid names the line where a writer is cut off.
machine::Result<std::vector<VssWriter>> parse_vss_writers(std::string_view output);

/// The answer of vssadmin, asked once, for up to three minutes: it waits for every writer. For who has a reason to
/// suspect VSS; see writers_of.
class VssWriters {
public:
    explicit VssWriters(const machine::Machine& machine);
    VssWriters(const machine::Machine& machine, std::chrono::milliseconds patience);

    /// ErrorKind::timed_out where a writer or VSS hangs; failed with what vssadmin printed where it ended with an
    /// error.
    const machine::Result<std::vector<VssWriter>>& list() const { return list_; }
    /// The command, for evidence.
    const std::string& command() const { return command_; }

private:
    std::string command_;
    machine::Result<std::vector<VssWriter>> list_;
};

/// The same for who has none, so that no healthy machine keeps anybody waiting for more than half a minute.
class UnsuspectedVssWriters : public VssWriters {
public:
    explicit UnsuspectedVssWriters(const machine::Machine& machine);
};

/// {8-4-4-4-12} of hexadecimal digits, in lower case, in the order they stand.
std::vector<std::string> guids_in(std::string_view text);

}  // namespace remediations
