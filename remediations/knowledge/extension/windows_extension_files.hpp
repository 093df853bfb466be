#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "remediations/changes/changes.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// Diagnoses the programs and libraries that VMSnapshot needs. Compares them with the package that the agent leaves in
/// the version's folder, if there is one. The finding's subjects are names relative to that folder.
Finding diagnose_windows_extension_files(const machine::Machine& machine);

/// Restores the subjects from the package; without a usable package, lets the agent install the extension again.
machine::Result<void> restore_windows_extension_files(const Finding& finding, Changes& changes);

/// Returns the machine type in the header of a PE file, from its first bytes: 0x8664 for x64. nullopt where it is not a
/// PE file or the header is incomplete.
std::optional<std::uint16_t> pe_machine(std::string_view begin);

}  // namespace remediations
