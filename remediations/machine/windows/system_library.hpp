#pragma once

#include <windows.h>

namespace machine::windows {

/// A library of Windows itself, looked for in System32 alone, which stays loaded as long as the process runs.
class SystemLibrary {
public:
    explicit SystemLibrary(const wchar_t* name)
        : module_(LoadLibraryExW(name, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)) {}

    /// Null where this Windows does not have it.
    template <class Function>
    Function* function(const char* name) const {
        return module_ ? reinterpret_cast<Function*>(reinterpret_cast<void*>(GetProcAddress(module_, name))) : nullptr;
    }

private:
    HMODULE module_;
};

}  // namespace machine::windows
