using Beacon.Raids;
using Beacon.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.CheckSettings(typeof(RaidsOptions));
builder.AddServiceDefaults();
builder.AddRaids();
builder.AddBus(RaidsService.AddRaidsConsumers);
var app = builder.Build();
app.MapServiceDefaults();
app.MapRaids();
await app.RunAsync();
