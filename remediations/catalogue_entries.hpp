#pragma once

#include "remediations/remediation.hpp"

// The one list of all remediations, by layer and, within one, in the order they are to be repaired.
// clang-format off
#define REMEDIATIONS(entry)          \
    /* guest agent */                \
    entry(extensions_disabled)       \
    /* backup extension */           \
    entry(backup_extension_state)    \
    entry(provider_flags)            \
    /* OS snapshot */                \
    entry(com_plus_service)          \
    entry(msdtc_account)             \
    entry(msdtc_not_running)         \
    entry(msdtc_damaged)             \
    /* network */                    \
    entry(wire_server_unreachable)
// clang-format on

namespace remediations {

#define DECLARE_REMEDIATION(name) extern const Remediation name;
REMEDIATIONS(DECLARE_REMEDIATION)
#undef DECLARE_REMEDIATION

}  // namespace remediations
