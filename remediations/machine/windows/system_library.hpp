#pragma once

#include <windows.h>

namespace machine::windows {

/// A library of Windows itself. It is loaded only from System32, and stays loaded until the process ends.
class SystemLibrary {
public:
    explicit SystemLibrary(const wchar_t* name)
        : module_(LoadLibraryExW(name, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)) {}

    /// Returns nullptr where this Windows does not have the function.
    template <class Function>
    Function* function(const char* name) const {
        return module_ ? reinterpret_cast<Function*>(reinterpret_cast<void*>(GetProcAddress(module_, name))) : nullptr;
    }

private:
    HMODULE module_;
};

}  // namespace machine::windows
