#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/model/reason.hpp"

namespace remediations {

/// The meaning of a code, in short plain sentences.
struct Meaning {
    std::string name;        ///< "VSS_E_PROVIDER_VETO"; empty where it has none
    std::string meaning;     ///< its meaning
    std::string for_backup;  ///< its usual meaning for a backup; may be empty
    std::string look_at;     ///< what to look at, or to do, first

    friend bool operator==(const Meaning&, const Meaning&) = default;
};

/// Returns nullopt for a code that is not in the tables.
std::optional<Meaning> meaning_of(const Reason& reason);

/// Returns the meaning of a Windows event. Compares the provider's name without case, in any of its forms
/// ("MSSQL$INSTANCE", "Microsoft-Windows-CAPI2", "CAPI2").
std::optional<Meaning> meaning_of_event(std::string_view provider, std::uint32_t id);

/// Returns "Windows error 1058 (0x80070422)", "HTTP status 409", "signal 9 (SIGKILL)".
std::string description_of(const Reason& reason);

/// Returns the meaning as a part of a sentence: "a snapshot provider refused", "VSS met an unexpected error".
std::string clause_of(const Meaning& meaning);

/// Returns advice: the usual meaning for a backup, and what to do or look at.
std::string advice_of(const Meaning& meaning);

/// Returns the meaning of the innermost of these reasons that is Windows' own (HRESULT, Win32, NTSTATUS) and has one;
/// nullopt where there is none.
std::optional<Meaning> windows_meaning(const std::vector<Reason>& reasons);

/// One way to understand what a person typed.
struct Reading {
    std::string what;              ///< description_of(), or "event 12366 of VSS"
    std::optional<Reason> reason;  ///< nullopt for an event
    Meaning meaning;
};

/// Returns all known readings of what a person typed, the likeliest first: "0x80042306", "-2147212794", "VSS 12366",
/// "event 8193", "EPERM", "HTTP 409", "409", "exit 127", "signal 9", "SQL 3041", "400001", or a whole log line.
std::vector<Reading> explain_reason(std::string_view words);

}  // namespace remediations
