#pragma once

#include <initializer_list>

#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::windows {

/// Enables privileges for this thread until the object is destroyed. Privileges that the process does not have stay
/// disabled; the call that needs them then fails.
class Privileges {
public:
    /// Takes names of winnt.h: SE_BACKUP_NAME.
    explicit Privileges(std::initializer_list<const wchar_t*> names);
    Privileges(const Privileges&) = delete;
    Privileges& operator=(const Privileges&) = delete;
    ~Privileges();

private:
    bool is_own_token_ = false;  ///< the constructor gave the thread a token of its own
};

}  // namespace machine::windows
