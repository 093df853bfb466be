#pragma once

#include <winsock2.h>

#include <windows.h>
#include <winsvc.h>

#include <utility>

namespace machine::windows {

/// Owns one handle of the Windows API. Null and INVALID_HANDLE_VALUE both mean "none", because the API uses both.
template <class Handle, auto close>
class UniqueHandle {
public:
    UniqueHandle() = default;
    explicit UniqueHandle(Handle handle) : handle_(is_invalid(handle) ? Handle{} : handle) {}
    UniqueHandle(UniqueHandle&& other) noexcept : handle_(std::exchange(other.handle_, Handle{})) {}
    UniqueHandle& operator=(UniqueHandle&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~UniqueHandle() { reset(); }

    explicit operator bool() const { return handle_ != Handle{}; }
    Handle get() const { return handle_; }
    Handle release() { return std::exchange(handle_, Handle{}); }
    void reset() {
        if (handle_ != Handle{}) close(std::exchange(handle_, Handle{}));
    }
    /// Returns a pointer for a call that stores a handle through it.
    Handle* receive() {
        reset();
        return &handle_;
    }

private:
    static bool is_invalid(Handle handle) {
        if constexpr (std::is_same_v<Handle, HANDLE>) return handle == INVALID_HANDLE_VALUE;
        return false;
    }

    Handle handle_{};
};

using KernelHandle = UniqueHandle<HANDLE, &CloseHandle>;
using FindHandle = UniqueHandle<HANDLE, &FindClose>;
using ServiceHandle = UniqueHandle<SC_HANDLE, &CloseServiceHandle>;
using RegistryHandle = UniqueHandle<HKEY, &RegCloseKey>;
/// Memory that the API allocated with LocalAlloc: SIDs, security descriptors, strings.
template <class T>
using LocalPointer = UniqueHandle<T*, &LocalFree>;

}  // namespace machine::windows
