#include "remediations/machine/files.hpp"

namespace machine {

namespace {

Error unsupported(const Path& path, const char* what) {
    return Error::unsupported(path + " has no " + what + " on this system");
}

}  // namespace

Result<std::string> Files::security(const Path& path) const {
    return unsupported(path, "access control list");
}

Result<FileVersion> Files::version(const Path& path) const {
    return unsupported(path, "version resource");
}

Result<void> Files::create_link(const Path& path, const Path&) {
    return unsupported(path, "symbolic link");
}

Result<void> Files::remove_link(const Path& path) {
    return unsupported(path, "symbolic link");
}

Result<Path> Files::link_target(const Path& path) const {
    return unsupported(path, "symbolic link");
}

Result<void> Files::set_security(const Path& path, const std::string&) {
    return unsupported(path, "access control list");
}

}  // namespace machine
