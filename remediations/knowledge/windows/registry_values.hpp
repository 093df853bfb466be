#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Text of a value (REG_SZ, REG_EXPAND_SZ unexpanded, a REG_MULTI_SZ joined by line breaks, numbers in decimal);
/// nullopt where it is absent. Any other error is passed on.
machine::Result<std::optional<std::string>> registry_text(const machine::Machine& machine, const std::string& key,
                                                          const std::string& name);

/// A number (REG_DWORD, REG_QWORD, or text that is one); nullopt where it is absent or no number.
machine::Result<std::optional<std::uint64_t>> registry_number(const machine::Machine& machine, const std::string& key,
                                                              const std::string& name);

/// Whether the key exists; nullopt where it cannot be told.
std::optional<bool> registry_key_exists(const machine::Machine& machine, const std::string& key);

}  // namespace remediations
