#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/model/reason.hpp"

namespace remediations {

/// Short plain sentences.
struct Meaning {
    std::string name;        ///< "VSS_E_PROVIDER_VETO"; empty where it has none
    std::string meaning;     ///< what it says
    std::string for_backup;  ///< what it usually means for a backup; may be empty
    std::string look_at;     ///< what to look at or do first

    friend bool operator==(const Meaning&, const Meaning&) = default;
};

/// No value for a code that is not in the tables.
std::optional<Meaning> meaning_of(const Reason& reason);

/// Of an event of Windows; the provider's name compares without case, in any of its forms ("MSSQL$INSTANCE",
/// "Microsoft-Windows-CAPI2", "CAPI2").
std::optional<Meaning> meaning_of_event(std::string_view provider, std::uint32_t id);

/// "Windows error 1058 (0x80070422)", "HTTP status 409", "signal 9 (SIGKILL)".
std::string description_of(const Reason& reason);

/// As a part of a sentence: "a snapshot provider refused", "VSS met an unexpected error".
std::string clause_of(const Meaning& meaning);

/// As advice: what it usually means, and what to do or see.
std::string advice_of(const Meaning& meaning);

/// The innermost reason of these that is Windows' own (HRESULT, Win32, NTSTATUS) and has a meaning; no value where
/// none.
std::optional<Meaning> windows_meaning(const std::vector<Reason>& reasons);

/// One way to understand what somebody typed.
struct Reading {
    std::string what;              ///< as description_of(), or "event 12366 of VSS"
    std::optional<Reason> reason;  ///< no value for an event
    Meaning meaning;
};

/// What words mean, in every reading that is known: "0x80042306", "-2147212794", "VSS 12366", "event 8193", "EPERM",
/// "HTTP 409", "409", "exit 127", "signal 9", "SQL 3041", "400001", or a whole line of a log. The likeliest first.
std::vector<Reading> explain_reason(std::string_view words);

}  // namespace remediations
