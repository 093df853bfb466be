#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/freezer.hpp"
#include "remediations/machine/linux/file_descriptor.hpp"

namespace machine::local {

/// A file that says what is about to be frozen, for whoever comes after processes that were all killed at once. It is
/// locked (flock) for as long as one of them lives: a lock that nobody holds means that nobody will thaw.
class FreezeMarker {
public:
    struct Content {
        char rcu_expedited = '\0';  ///< as it was before; '\0' where there is none
        std::vector<FreezeTarget> targets;
    };

    /// ErrorKind::refused where a rehearsal is at work; other errors where the file cannot be made.
    static Result<FreezeMarker> create(const std::string& path, const Content& content);

    /// What an earlier rehearsal left, with its lock; nothing where there is no file, or one is at work.
    static std::optional<std::pair<FreezeMarker, Content>> abandoned(const std::string& path);

    /// Nothing is frozen any more.
    void remove() const;

private:
    FreezeMarker(std::string path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}

    std::string path_;
    FileDescriptor file_;
};

}  // namespace machine::local
