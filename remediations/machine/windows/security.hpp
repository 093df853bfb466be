#pragma once

#include <string>

#include "remediations/machine/result.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::windows {

/// Security attributes of objects that only SYSTEM and administrators may see or change (and this process's own user,
/// while it is neither): the owner is Administrators, nothing is inherited from the parent.
class PrivateSecurity {
public:
    static Result<PrivateSecurity> create();

    /// Valid while this object lives.
    SECURITY_ATTRIBUTES attributes() const { return {sizeof(SECURITY_ATTRIBUTES), descriptor_.get(), FALSE}; }

private:
    LocalPointer<void> descriptor_;
};

/// "S-1-5-18"
std::string sid_text(PSID sid);

/// ErrorKind::refused, naming the account, where somebody else owns a file or folder or may write to it. Every user may
/// create folders in %ProgramData%, so one may be there before this program.
Result<void> require_private(const std::wstring& native);

/// Returns true if the owner is neither SYSTEM, an administrator nor the user of this process.
bool is_owned_by_somebody_else(const std::wstring& native);

}  // namespace machine::windows
