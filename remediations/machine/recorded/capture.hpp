#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace machine::recorded {

/// What a machine showed, question by question. Both an answer and an error are kept; what was
/// never asked answers ErrorKind::not_captured. The format on disk is described in README.md here.
struct Capture;

/// Passes every question on to `inner` and remembers the answer. `inner` must outlive it.
/// Writing through it is ErrorKind::unsupported.
struct Recording {
    Machine machine;
    std::shared_ptr<Capture> capture;
};
Recording record(const Machine& inner);

/// Writes facts.json and files/, secrets redacted. `folder` must be absent or empty.
Result<void> save(const Capture& capture, const std::filesystem::path& folder);

/// The same files by their path in that folder.
std::vector<std::pair<std::filesystem::path, std::string>> serialize(const Capture& capture);

/// A machine that answers from a capture. Changes are kept in memory, so that a fix, its
/// verification and its undo can be tried on it; nothing on this computer is touched.
/// ErrorKind::invalid names the file and the place of what is wrong.
Result<Machine> load(const std::filesystem::path& folder);

/// A machine of which nothing was recorded: every question about it is ErrorKind::not_captured.
Machine unrecorded(const SystemFacts& facts);

}  // namespace machine::recorded
