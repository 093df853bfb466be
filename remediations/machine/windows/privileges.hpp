#pragma once

#include <initializer_list>

#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::windows {

/// Switches privileges on, for this thread and as long as it lives. Those that the process does not have stay off:
/// the call that needs them says so.
class Privileges {
public:
    /// Names of winnt.h: SE_BACKUP_NAME.
    explicit Privileges(std::initializer_list<const wchar_t*> names);
    Privileges(const Privileges&) = delete;
    Privileges& operator=(const Privileges&) = delete;
    ~Privileges();

private:
    bool is_own_token_ = false;  ///< the thread got one of its own here
};

}  // namespace machine::windows
