using Beacon.Ledger;
using Beacon.Raids;
using Beacon.Server;
using Beacon.ServiceDefaults;
using Beacon.Signaling;
using Beacon.Topology;

var builder = WebApplication.CreateBuilder(args);
builder.CheckSettings(typeof(SignalingOptions), typeof(TopologyOptions), typeof(LedgerOptions), typeof(RaidsOptions));
using var store = EmbeddedStore.Start(builder);
builder.AddLoopbackDiscovery();
builder.AddServiceDefaults();
builder.AddSignaling();
builder.AddTopology();
builder.AddLedger();
builder.AddRaids();
builder.AddBus(
    SignalingService.AddSignalingConsumers,
    TopologyService.AddTopologyConsumers,
    LedgerService.AddLedgerConsumers,
    RaidsService.AddRaidsConsumers);

var app = builder.Build();
app.MapServiceDefaults();
app.MapSignaling();
app.MapTopology();
app.MapLedger();
app.MapRaids();
app.AnnounceWhenReady();
await app.RunAsync();
