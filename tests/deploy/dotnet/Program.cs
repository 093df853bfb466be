// Runs a PowerShell script in PowerShell, for dotnet_test.py.
//   tools SCRIPT MODULE < {"Parameter": "text" | true | ["text", ...], ...}
// MODULE, a .psm1 file, is imported first. Prints what the script returns; an error that ends it goes to standard error,
// and its exit code is 1. Else the exit code is that of the script.
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Text.Json;

var parameters = JsonDocument.Parse(Console.In.ReadToEnd()).RootElement;
var state = InitialSessionState.CreateDefault2();
state.ImportPSModule(args[1]);
using var runspace = RunspaceFactory.CreateRunspace(state);
runspace.Open();
using var shell = PowerShell.Create(runspace);
shell.AddCommand(args[0]);
foreach (var parameter in parameters.EnumerateObject())
{
    shell.AddParameter(parameter.Name, parameter.Value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.Array => parameter.Value.EnumerateArray().Select(item => item.GetString()).ToArray(),
        _ => parameter.Value.GetString(),
    });
}
try
{
    foreach (var item in shell.Invoke()) Console.Out.WriteLine(item);
}
catch (RuntimeException error)
{
    Console.Error.WriteLine($"{error.GetType().Name}: {error.Message}");
    return 1;
}
foreach (var error in shell.Streams.Error) Console.Error.WriteLine(error);
return runspace.SessionStateProxy.GetVariable("LASTEXITCODE") is int code ? code : shell.HadErrors ? 1 : 0;
