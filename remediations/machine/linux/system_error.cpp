#include "remediations/machine/linux/system_error.hpp"

#include <system_error>

namespace machine::local {

namespace {

ErrorKind kind_of(int code) {
    switch (code) {
        case ENOENT:
        case ENOTDIR:
            return ErrorKind::not_found;
        case EACCES:
        case EPERM:
        case EROFS:
            return ErrorKind::access_denied;
        case ETIMEDOUT:
            return ErrorKind::timed_out;
        case ELOOP:
        case EISDIR:
        case EINVAL:
        case ENAMETOOLONG:
            return ErrorKind::invalid;
        case EFBIG:
            return ErrorKind::too_large;
        case ENOTSUP:
        case ENOSYS:
            return ErrorKind::unsupported;
        default:
            return ErrorKind::failed;
    }
}

}  // namespace

Error system_error(const std::string& what, int code) {
    return {kind_of(code), what + ": " + std::generic_category().message(code), code};
}

}  // namespace machine::local
