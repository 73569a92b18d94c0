using Beacon.ServiceDefaults;
using Beacon.Topology;

var builder = WebApplication.CreateBuilder(args);
builder.CheckSettings(typeof(TopologyOptions));
builder.AddServiceDefaults();
builder.AddTopology();
builder.AddBus(TopologyService.AddTopologyConsumers);
var app = builder.Build();
app.MapServiceDefaults();
app.MapTopology();
await app.RunAsync();
