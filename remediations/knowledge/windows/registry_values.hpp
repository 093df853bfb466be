#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// Returns a value as text (REG_SZ, REG_EXPAND_SZ unexpanded, a REG_MULTI_SZ joined by line breaks, numbers in
/// decimal); nullopt where it does not exist. Other errors are returned.
machine::Result<std::optional<std::string>> registry_text(const machine::Machine& machine, const std::string& key,
                                                          const std::string& name);

/// Returns a number (REG_DWORD, REG_QWORD, or a text that is one); nullopt where it does not exist or is not a number.
machine::Result<std::optional<std::uint64_t>> registry_number(const machine::Machine& machine, const std::string& key,
                                                              const std::string& name);

/// Returns true if the key exists; nullopt where that is not known.
std::optional<bool> registry_key_exists(const machine::Machine& machine, const std::string& key);

}  // namespace remediations
