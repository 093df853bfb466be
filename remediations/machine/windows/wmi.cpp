#include "remediations/machine/wmi.hpp"

#include <fmt/format.h>

#include <chrono>

#include "remediations/machine/time_limit.hpp"
#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <wbemidl.h>

namespace machine::windows {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto time_limit = std::chrono::seconds(5);
constexpr std::size_t most_objects = 10'000;

template <class Interface>
using ComPointer = UniqueHandle<Interface*, [](Interface* object) { object->Release(); }>;
using ComText = UniqueHandle<BSTR, &SysFreeString>;

class ComThread {
public:
    ComThread() : result_(CoInitializeEx(nullptr, COINIT_MULTITHREADED)) {}
    ComThread(const ComThread&) = delete;
    ComThread& operator=(const ComThread&) = delete;
    ~ComThread() {
        if (SUCCEEDED(result_)) CoUninitialize();
    }

    HRESULT result() const { return result_; }

private:
    HRESULT result_;
};

class Variant {
public:
    Variant() { VariantInit(&value_); }
    Variant(const Variant&) = delete;
    Variant& operator=(const Variant&) = delete;
    ~Variant() { VariantClear(&value_); }

    VARIANT& get() { return value_; }
    VARIANT* receive() {
        VariantClear(&value_);
        return &value_;
    }

private:
    VARIANT value_;
};

Error wmi_error(HRESULT code, std::string_view action, const std::string& object) {
    auto error = windows_error(static_cast<DWORD>(code), action, object);
    switch (static_cast<DWORD>(code)) {
        case static_cast<DWORD>(WBEM_E_INVALID_NAMESPACE):
        case static_cast<DWORD>(WBEM_E_INVALID_CLASS):
        case static_cast<DWORD>(WBEM_E_NOT_FOUND):
            error.kind = ErrorKind::not_found;
            break;
        case static_cast<DWORD>(WBEM_E_INVALID_QUERY):
        case static_cast<DWORD>(WBEM_E_INVALID_QUERY_TYPE):
            error.kind = ErrorKind::invalid;
            break;
        case static_cast<DWORD>(WBEM_E_ACCESS_DENIED):
        case static_cast<DWORD>(E_ACCESSDENIED):
            error.kind = ErrorKind::access_denied;
            break;
        case static_cast<DWORD>(REGDB_E_CLASSNOTREG):
            error.kind = ErrorKind::unsupported;
            break;
        default:
            break;
    }
    return error;
}

/// Returns nullopt for null, objects and unknown types. `type` is the CIMTYPE: WMI returns a uint32 as a signed number.
std::optional<std::string> scalar_text(const VARIANT& value, CIMTYPE type) {
    switch (value.vt) {
        case VT_BSTR:
            return value.bstrVal ? to_utf8({value.bstrVal, SysStringLen(value.bstrVal)}) : std::string();
        case VT_BOOL:
            return value.boolVal != VARIANT_FALSE ? "true" : "false";
        case VT_UI1:
            return fmt::to_string(static_cast<unsigned>(value.bVal));
        case VT_I1:
            return fmt::to_string(static_cast<int>(value.cVal));
        case VT_I2:
            return fmt::to_string(value.iVal);
        case VT_UI2:
            return fmt::to_string(value.uiVal);
        case VT_I4:
            if ((type & ~CIM_FLAG_ARRAY) == CIM_UINT32) return fmt::to_string(static_cast<std::uint32_t>(value.lVal));
            return fmt::to_string(value.lVal);
        case VT_UI4:
            return fmt::to_string(value.ulVal);
        case VT_I8:
            return fmt::to_string(value.llVal);
        case VT_UI8:
            return fmt::to_string(value.ullVal);
        case VT_R4:
            return fmt::to_string(value.fltVal);
        case VT_R8:
            return fmt::to_string(value.dblVal);
        default:
            return std::nullopt;
    }
}

std::optional<std::string> text_of(VARIANT& value, CIMTYPE type) {
    if ((value.vt & VT_ARRAY) == 0) return scalar_text(value, type);
    auto* list = value.parray;
    LONG first = 0;
    LONG last = -1;
    if (!list || SafeArrayGetDim(list) != 1 || FAILED(SafeArrayGetLBound(list, 1, &first)) ||
        FAILED(SafeArrayGetUBound(list, 1, &last))) {
        return std::nullopt;
    }
    std::string text;
    for (LONG index = first; index <= last; ++index) {
        Variant element;
        if (FAILED(SafeArrayGetElement(list, &index, &element.get().byref))) return std::nullopt;
        element.get().vt = static_cast<VARTYPE>(value.vt & ~VT_ARRAY);
        const auto part = scalar_text(element.get(), type);
        if (!part) return std::nullopt;
        text += (index == first ? "" : "\n") + *part;
    }
    return text;
}

Result<WmiObject> properties_of(IWbemClassObject& object, const std::string& query) {
    WmiObject properties;
    if (const auto code = object.BeginEnumeration(WBEM_FLAG_NONSYSTEM_ONLY); FAILED(code)) {
        return wmi_error(code, "read the answer to", query);
    }
    for (;;) {
        ComText name;
        Variant value;
        CIMTYPE type = 0;
        const auto code = object.Next(0, name.receive(), value.receive(), &type, nullptr);
        if (code == WBEM_S_NO_MORE_DATA) return properties;
        if (FAILED(code)) return wmi_error(code, "read the answer to", query);
        if (auto text = text_of(value.get(), type)) properties.insert_or_assign(to_utf8(name.get()), std::move(*text));
    }
}

Result<std::vector<WmiObject>> ask(const std::string& name_space, const std::wstring& wide_name_space,
                                   const std::string& wql, const std::wstring& wide_wql) {
    const auto deadline = Clock::now() + time_limit;
    const ComThread com;
    if (FAILED(com.result())) return wmi_error(com.result(), "use", "COM");
    const auto place = "WMI namespace " + name_space;

    ComPointer<IWbemLocator> locator;
    auto code = CoCreateInstance(CLSID_WbemLocator, nullptr, CLSCTX_INPROC_SERVER, IID_IWbemLocator,
                                 reinterpret_cast<void**>(locator.receive()));
    if (FAILED(code)) return wmi_error(code, "use", "WMI");
    const ComText path(SysAllocString(wide_name_space.c_str()));
    ComPointer<IWbemServices> services;
    code = locator.get()->ConnectServer(path.get(), nullptr, nullptr, nullptr, WBEM_FLAG_CONNECT_USE_MAX_WAIT, nullptr,
                                        nullptr, services.receive());
    if (FAILED(code)) return wmi_error(code, "connect to", place);
    // WMI answers only whom it may impersonate.
    const auto allow_impersonation = [](IUnknown* proxy) {
        CoSetProxyBlanket(proxy, RPC_C_AUTHN_WINNT, RPC_C_AUTHZ_NONE, nullptr, RPC_C_AUTHN_LEVEL_CALL,
                          RPC_C_IMP_LEVEL_IMPERSONATE, nullptr, EOAC_NONE);
    };
    allow_impersonation(services.get());

    const ComText language(SysAllocString(L"WQL"));
    const ComText query(SysAllocString(wide_wql.c_str()));
    ComPointer<IEnumWbemClassObject> answers;
    code = services.get()->ExecQuery(language.get(), query.get(), WBEM_FLAG_FORWARD_ONLY | WBEM_FLAG_RETURN_IMMEDIATELY,
                                     nullptr, answers.receive());
    if (FAILED(code)) return wmi_error(code, "ask " + place, wql);
    allow_impersonation(answers.get());

    std::vector<WmiObject> objects;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        ComPointer<IWbemClassObject> object;
        ULONG count = 0;
        code = answers.get()->Next(static_cast<LONG>(std::max<long long>(left, 0)), 1, object.receive(), &count);
        if (code == WBEM_S_TIMEDOUT) {
            return Error::timed_out(fmt::format("{} gave no answer in time to {}", place, wql));
        }
        if (FAILED(code)) return wmi_error(code, "ask " + place, wql);
        if (count == 0) return objects;
        if (objects.size() == most_objects) {
            return Error::too_large(fmt::format("{} answers {} with more than {} objects", place, wql, most_objects));
        }
        auto properties = properties_of(*object.get(), wql);
        if (!properties) return properties.error();
        objects.push_back(std::move(*properties));
    }
}

class WindowsWmi final : public Wmi {
public:
    Result<std::vector<WmiObject>> query(const std::string& name_space, const std::string& wql) const override {
        const auto wide_name_space = to_wide_name(name_space);
        if (!wide_name_space) return wide_name_space.error();
        const auto wide_wql = to_wide_name(wql);
        if (!wide_wql) return wide_wql.error();
        return with_time_limit<std::vector<WmiObject>>(time_limit, "ask WMI namespace " + name_space,
                                                       [=, wide_name_space = *wide_name_space, wide_wql = *wide_wql] {
                                                           return ask(name_space, wide_name_space, wql, wide_wql);
                                                       });
    }
};

}  // namespace

std::unique_ptr<Wmi> make_wmi() {
    return std::make_unique<WindowsWmi>();
}

}  // namespace machine::windows
