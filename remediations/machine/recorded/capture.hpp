#pragma once

#include <filesystem>
#include <memory>

#include "remediations/machine/machine.hpp"

namespace machine::recorded {

/// What a machine showed, question by question. Format (schema 1), described in
/// remediations/machine/recorded/README.md:
///   facts.json       {"schema":1,"system":{...},"files":{...},"services":{...},"registry":{...}, ...}
///   files/<path>     content of every file that was read; "C:\x" lies under files/C/x
/// Both an answer and an error are recorded; what was never asked answers ErrorKind::not_captured.
class Capture;

/// Passes every question on to `inner` and remembers the answers. `inner` must outlive it.
/// Writing through it is ErrorKind::unsupported.
struct Recording {
    Machine machine;
    std::shared_ptr<Capture> capture;
};
Recording record(const Machine& inner);

/// Writes facts.json and files/, secrets redacted. `folder` must not exist or be empty.
Result<void> save(const Capture& capture, const std::filesystem::path& folder);

/// A machine that answers from a capture. Changes are kept in memory, so that a fix, its
/// verification and its undo can be tried on it; nothing on this computer is touched.
/// Error invalid names file and JSON path of what is wrong.
Result<Machine> load(const std::filesystem::path& folder);

}  // namespace machine::recorded
