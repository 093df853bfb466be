#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/freezer.hpp"
#include "remediations/machine/linux/file_descriptor.hpp"

namespace machine::local {

/// A file that lists what is about to be frozen, for a later process, in case all processes of the freeze are killed at
/// once. It is locked (flock) while one of them lives; if nobody holds the lock, nobody will thaw.
class FreezeMarker {
public:
    struct Content {
        char rcu_expedited = '\0';  ///< its value before the freeze; '\0' where the kernel has no such control
        std::vector<FreezeTarget> targets;
    };

    /// Creates and locks the file. ErrorKind::refused while another rehearsal runs; other errors where it cannot be
    /// created.
    static Result<FreezeMarker> create(const std::string& path, const Content& content);

    /// Returns the file that an earlier rehearsal left, and locks it; nullopt where there is no such file, or while a
    /// rehearsal runs.
    static std::optional<std::pair<FreezeMarker, Content>> abandoned(const std::string& path);

    /// Removes the file: nothing is frozen any more.
    void remove() const;

private:
    FreezeMarker(std::string path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}

    std::string path_;
    FileDescriptor file_;
};

}  // namespace machine::local
