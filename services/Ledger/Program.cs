using Beacon.Ledger;
using Beacon.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddLedger();
builder.AddBus(LedgerService.AddLedgerConsumers);
var app = builder.Build();
app.MapServiceDefaults();
app.MapLedger();
await app.RunAsync();
