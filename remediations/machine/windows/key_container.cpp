#include "remediations/machine/windows/key_container.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "remediations/machine/windows/text.hpp"

#include <bcrypt.h>
#include <ncrypt.h>
#include <shlobj.h>

namespace machine::windows {

namespace {

using Provider = UniqueHandle<HCRYPTPROV, [](HCRYPTPROV provider) { CryptReleaseContext(provider, 0); }>;
using KeyObject = UniqueHandle<NCRYPT_HANDLE, &NCryptFreeObject>;

constexpr DWORD subkey_of_64_bits = 0x00010000;  // RRF_SUBKEY_WOW6464KEY, which old headers lack

/// "C:\ProgramData\Microsoft\Crypto\"
std::wstring crypto_folder() {
    UniqueHandle<wchar_t*, &CoTaskMemFree> path;
    if (FAILED(SHGetKnownFolderPath(FOLDERID_ProgramData, 0, nullptr, path.receive()))) return {};
    return std::wstring(path.get()) + L"\\Microsoft\\Crypto\\";
}

std::wstring machine_guid() {
    wchar_t guid[64];
    DWORD size = sizeof guid;
    const auto code = RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Cryptography", L"MachineGuid",
                                   RRF_RT_REG_SZ | subkey_of_64_bits, nullptr, guid, &size);
    return code == ERROR_SUCCESS ? std::wstring(guid) : std::wstring();
}

bool exists(const std::wstring& path) {
    return GetFileAttributesW(path.c_str()) != INVALID_FILE_ATTRIBUTES;
}

bool is_file_name(const std::wstring& name) {
    return !name.empty() && name.find_first_of(L"\\/:") == name.npos && name != L"." && name != L"..";
}

/// Returns the path in the first folder that has the file; where none has it, the path where it would be.
Path path_in(std::initializer_list<const wchar_t*> folders, const std::wstring& name) {
    const auto root = crypto_folder();
    if (root.empty() || !is_file_name(name)) return {};
    for (const auto* folder : folders) {
        const auto path = root + folder + L'\\' + name;
        if (exists(path)) return to_utf8(path);
    }
    return to_utf8(root + *folders.begin() + L'\\' + name);
}

std::wstring cng_file_name(const CRYPT_KEY_PROV_INFO& key) {
    KeyObject provider;
    KeyObject opened;
    if (NCryptOpenStorageProvider(provider.receive(), key.pwszProvName, 0) != ERROR_SUCCESS) return {};
    const DWORD flags = NCRYPT_SILENT_FLAG | (key.dwFlags & NCRYPT_MACHINE_KEY_FLAG);
    if (NCryptOpenKey(provider.get(), opened.receive(), key.pwszContainerName, key.dwKeySpec, flags) != ERROR_SUCCESS) {
        return {};
    }
    wchar_t name[MAX_PATH]{};
    DWORD size = 0;
    if (NCryptGetProperty(opened.get(), NCRYPT_UNIQUE_NAME_PROPERTY, reinterpret_cast<BYTE*>(name),
                          sizeof name - sizeof *name, &size, NCRYPT_SILENT_FLAG) != ERROR_SUCCESS) {
        return {};
    }
    return name;
}

/// Returns the file name from the provider or, for a key that cannot be opened, the name that the provider would
/// return.
std::wstring capi_file_name(const CRYPT_KEY_PROV_INFO& key) {
    Provider provider;
    if (CryptAcquireContextW(provider.receive(), key.pwszContainerName, key.pwszProvName, key.dwProvType,
                             CRYPT_SILENT | (key.dwFlags & CRYPT_MACHINE_KEYSET))) {
        char name[MAX_PATH]{};
        DWORD size = sizeof name - 1;
        if (CryptGetProvParam(provider.get(), PP_UNIQUE_CONTAINER, reinterpret_cast<BYTE*>(name), &size, 0)) {
            return std::wstring(name, name + std::strlen(name));
        }
    }
    const auto prefix = container_file_prefix(to_utf8(key.pwszContainerName));
    const auto guid = machine_guid();
    if (prefix.empty() || guid.empty()) return {};
    return std::wstring(prefix.begin(), prefix.end()) + L"_" + guid;
}

}  // namespace

std::string container_file_prefix(std::string_view container) {
    std::string name;
    for (const char c : container) {
        if (static_cast<unsigned char>(c) >= 0x80) return {};  // in which code page is not known
        name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    std::array<std::uint32_t, 4> hash{};
    BCRYPT_ALG_HANDLE algorithm = nullptr;
    if (BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_MD5_ALGORITHM, nullptr, 0) != 0) return {};
    const UniqueHandle<BCRYPT_ALG_HANDLE, [](BCRYPT_ALG_HANDLE one) { BCryptCloseAlgorithmProvider(one, 0); }> owner(
        algorithm);
    BCRYPT_HASH_HANDLE state = nullptr;
    if (BCryptCreateHash(algorithm, &state, nullptr, 0, nullptr, 0, 0) != 0) return {};
    const UniqueHandle<BCRYPT_HASH_HANDLE, &BCryptDestroyHash> hash_owner(state);
    if (BCryptHashData(state, reinterpret_cast<PUCHAR>(name.data()), static_cast<ULONG>(name.size() + 1), 0) != 0 ||
        BCryptFinishHash(state, reinterpret_cast<PUCHAR>(hash.data()), sizeof hash, 0) != 0) {
        return {};
    }
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", hash[0], hash[1], hash[2], hash[3]);
}

Path key_file_of(const CRYPT_KEY_PROV_INFO& key) {
    if (!key.pwszContainerName || *key.pwszContainerName == L'\0') return {};
    if (key.dwProvType == 0) return path_in({L"Keys", L"SystemKeys", L"RSA\\MachineKeys"}, cng_file_name(key));
    if ((key.dwFlags & CRYPT_MACHINE_KEYSET) == 0) return {};
    const bool is_dss = key.dwProvType == PROV_DSS || key.dwProvType == PROV_DSS_DH;
    if (is_dss) return path_in({L"DSS\\MachineKeys"}, capi_file_name(key));
    return path_in({L"RSA\\MachineKeys"}, capi_file_name(key));
}

}  // namespace machine::windows
