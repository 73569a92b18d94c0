using Beacon.Ledger;
using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;

if (LedgerCommand.Run(args, Console.Out) is { } exitCode)
    return exitCode;

var builder = WebApplication.CreateBuilder(args);
builder.CheckSettings(typeof(LedgerOptions));
builder.AddServiceDefaults();
builder.AddLedger();
builder.AddBus(LedgerService.AddLedgerConsumers);
var app = builder.Build();
app.MapServiceDefaults();
app.MapLedger();
await app.RunAsync();
return 0;
