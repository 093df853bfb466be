#pragma once

#include <string>

#include "remediations/machine/result.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::windows {

/// Security attributes for what only SYSTEM and administrators may see or change (and, while this
/// process is neither, its own user): owner Administrators, nothing inherited from the parent.
class PrivateSecurity {
public:
    static Result<PrivateSecurity> create();

    /// Valid as long as this object.
    SECURITY_ATTRIBUTES attributes() const { return {sizeof(SECURITY_ATTRIBUTES), descriptor_.get(), FALSE}; }

private:
    LocalPointer<void> descriptor_;
};

/// "S-1-5-18"
std::string sid_text(PSID sid);

/// ErrorKind::refused, saying who, where somebody else owns a file or folder or may write to it.
/// %ProgramData% lets every user create folders, so that one may be there before us.
Result<void> require_private(const std::wstring& native);

/// True where its owner is neither SYSTEM, an administrator nor the user of this process.
bool is_owned_by_somebody_else(const std::wstring& native);

}  // namespace machine::windows
