// A service that behaves as its command line says, registered by the tests under whatever name they need:
//   test_service NAME normal
//   test_service NAME refuse EXIT_CODE         stops at once
//   test_service NAME refuse-unless FILE       stops at once with exit code 1068 while FILE does not exist
//   test_service NAME hang-start               stays in START_PENDING
//   test_service NAME hang-stop                stays in STOP_PENDING once it is told to stop
// and, as an ordinary program: test_service hold, which keeps a Wine prefix alive until it is ended.

#include "service_program.hpp"

#include <cstdlib>
#include <string>
#include <vector>

namespace {

std::vector<std::wstring> arguments;

/// Long enough for every test, and then it is gone.
constexpr DWORD hang_ms = 120'000;

void WINAPI service_main(DWORD, wchar_t**) {
    using namespace service_program;
    begin(arguments[1].c_str());
    const auto& behaviour = arguments[2];
    if (behaviour == L"refuse") {
        report(SERVICE_STOPPED, static_cast<DWORD>(std::stoul(arguments.at(3))));
    } else if (behaviour == L"refuse-unless" &&
               GetFileAttributesW(arguments.at(3).c_str()) == INVALID_FILE_ATTRIBUTES) {
        report(SERVICE_STOPPED, ERROR_SERVICE_DEPENDENCY_FAIL);
    } else if (behaviour == L"hang-start") {
        Sleep(hang_ms);
        report(SERVICE_STOPPED);
    } else if (behaviour == L"hang-stop") {
        report(SERVICE_RUNNING);
        WaitForSingleObject(stop_requested, INFINITE);
        Sleep(hang_ms);
        report(SERVICE_STOPPED);
    } else {
        run();
    }
}

}  // namespace

int wmain(int argc, wchar_t** argv) {
    arguments.assign(argv, argv + argc);
    if (argc == 2 && arguments[1] == L"hold") {
        Sleep(INFINITE);
    }
    if (argc < 3) return 2;
    const int code = service_program::dispatch(arguments[1].data(), service_main);
    Sleep(500);  // Wine's service manager forgets the exit code of one that is gone before it looks
    return code;
}
