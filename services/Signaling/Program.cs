using Beacon.ServiceDefaults;
using Beacon.Signaling;

var builder = WebApplication.CreateBuilder(args);
builder.CheckSettings(typeof(SignalingOptions));
builder.AddServiceDefaults();
builder.AddSignaling();
builder.AddBus(SignalingService.AddSignalingConsumers);
var app = builder.Build();
app.MapServiceDefaults();
app.MapSignaling();
await app.RunAsync();
