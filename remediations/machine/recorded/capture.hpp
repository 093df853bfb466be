#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace machine::recorded {

/// The recorded answers of a machine. Answers and errors are both kept. A question that was never asked gets
/// ErrorKind::not_captured. README.md in this folder describes the format on disk.
struct Capture;

/// A machine that passes every question on to `inner` and records the answer. `inner` must outlive it. Changes are
/// ErrorKind::unsupported.
struct Recording {
    Machine machine;
    std::shared_ptr<Capture> capture;
};
Recording record(const Machine& inner);

/// Writes facts.json and files/, with secrets redacted. `folder` must not exist, or must be empty.
Result<void> save(const Capture& capture, const std::filesystem::path& folder);

/// Returns the same files, each with its path in that folder.
std::vector<std::pair<std::filesystem::path, std::string>> serialize(const Capture& capture);

/// Returns a machine that answers from a capture. Its changes stay in memory, so that a fix, its verification and its
/// undo can be tried on it; nothing on this computer is touched. ErrorKind::invalid names the file and the place of
/// what is wrong.
Result<Machine> load(const std::filesystem::path& folder);

/// Returns a machine without any recorded answer: every question is ErrorKind::not_captured.
Machine unrecorded(const SystemFacts& facts);

}  // namespace machine::recorded
