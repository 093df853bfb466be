#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "remediations/changes/changes.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// Whether VMSnapshot has the programs and libraries that it cannot run without, compared with the package that the
/// agent leaves in the version's folder, else by themselves. The finding's subjects are names relative to that folder.
Finding diagnose_windows_extension_files(const machine::Machine& machine);

/// Restores the subjects from the package; without a usable one the extension is installed afresh.
machine::Result<void> restore_windows_extension_files(const Finding& finding, Changes& changes);

/// The machine type of a PE file's header, of its first bytes: 0x8664 for x64. nullopt where it is no PE file or the
/// header is not whole.
std::optional<std::uint16_t> pe_machine(std::string_view begin);

}  // namespace remediations
