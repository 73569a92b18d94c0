using Google.Api;
using Google.Protobuf.Reflection;

namespace Beacon.Contracts.Tests;

/// <summary>Each test breaks today's contracts in one way and expects exactly that to be found.</summary>
public sealed class ContractComparerTests
{
    [Fact]
    public void The_same_breaks_nothing() => Assert.Empty(Breaks(_ => { }));

    [Fact]
    public void Additions_break_nothing() => Assert.Empty(Breaks(set =>
    {
        Message(set, "TipRequest").Field.Add(new FieldDescriptorProto { Name = "note", Number = 9, JsonName = "note", Type = FieldDescriptorProto.Types.Type.String });
        Enum(set, "TransferCode").Value.Add(new EnumValueDescriptorProto { Name = "TRANSFER_CODE_NEW", Number = 99 });
        File(set, "beacon.ledger.v1").MessageType.Add(new DescriptorProto { Name = "New" });
        var service = File(set, "beacon.ledger.v1").Service[0];
        var added = service.Method[0].Clone();
        added.Name = "New";
        service.Method.Add(added);
    }));

    [Fact]
    public void A_removed_field_is_found() => Expect(
        "field beacon.ledger.v1.TipRequest.transfer_id was removed",
        set => Message(set, "TipRequest").Field.Remove(Field(set, "TipRequest", "transfer_id")));

    [Fact]
    public void A_renamed_field_is_found() => Expect(
        "field beacon.ledger.v1.TipRequest.transfer_id was renamed to id",
        set => Field(set, "TipRequest", "transfer_id").Name = "id");

    [Fact]
    public void A_renumbered_field_is_found() => Expect(
        "field beacon.ledger.v1.TipRequest.transfer_id was renumbered from 3 to 7",
        set => Field(set, "TipRequest", "transfer_id").Number = 7);

    [Fact]
    public void A_retyped_field_is_found() => Expect(
        "field beacon.ledger.v1.TipRequest.amount_microcredits changed from Optional Int64 to Optional Uint64",
        set => Field(set, "TipRequest", "amount_microcredits").Type = FieldDescriptorProto.Types.Type.Uint64);

    [Fact]
    public void A_field_that_became_a_list_is_found() => Expect(
        "field beacon.ledger.v1.TipRequest.stream_id changed from Optional String to Repeated String",
        set => Field(set, "TipRequest", "stream_id").Label = FieldDescriptorProto.Types.Label.Repeated);

    [Fact]
    public void A_field_that_left_its_oneof_is_found() => Expect(
        "field beacon.signaling.v1.ClientFrame.signal changed from Optional Message .beacon.signaling.v1.Signal in oneof frame to Optional Message .beacon.signaling.v1.Signal",
        set => Field(set, "ClientFrame", "signal").ClearOneofIndex());

    [Fact]
    public void A_changed_json_name_is_found() => Expect(
        "field beacon.signaling.v1.ClientFrame.go_live changed its JSON name from go-live to goLive",
        set => Field(set, "ClientFrame", "go_live").JsonName = "goLive");

    [Fact]
    public void A_removed_message_is_found() => Expect(
        "message beacon.ledger.v1.TipLeg was removed",
        set => File(set, "beacon.ledger.v1").MessageType.Remove(Message(set, "TipLeg")));

    [Fact]
    public void A_removed_enum_is_found() => Expect(
        "enum beacon.ledger.v1.TransferCode was removed",
        set => File(set, "beacon.ledger.v1").EnumType.Remove(Enum(set, "TransferCode")));

    [Fact]
    public void A_removed_enum_value_is_found() => Expect(
        "enum value beacon.ledger.v1.TransferCode.TRANSFER_CODE_TIP was removed",
        set => Enum(set, "TransferCode").Value.RemoveAt(2));

    [Fact]
    public void A_renamed_enum_value_is_found() => Expect(
        "enum value beacon.ledger.v1.TransferCode.TRANSFER_CODE_TIP was renamed to TRANSFER_CODE_GIFT",
        set => Enum(set, "TransferCode").Value[2].Name = "TRANSFER_CODE_GIFT");

    [Fact]
    public void A_renumbered_enum_value_is_found() => Expect(
        "enum value beacon.ledger.v1.TransferCode.TRANSFER_CODE_TIP was renumbered from 2 to 20",
        set => Enum(set, "TransferCode").Value[2].Number = 20);

    [Fact]
    public void A_removed_rpc_is_found() => Expect(
        "rpc beacon.ledger.v1.LedgerService.Tip was removed",
        set => File(set, "beacon.ledger.v1").Service[0].Method.Remove(Method(set, "Tip")));

    [Fact]
    public void An_rpc_that_became_a_stream_is_found() => Expect(
        "rpc beacon.ledger.v1.LedgerService.Tip changed from (.beacon.ledger.v1.TipRequest) returns (.beacon.ledger.v1.TipResponse) to (.beacon.ledger.v1.TipRequest) returns (stream .beacon.ledger.v1.TipResponse)",
        set => Method(set, "Tip").ServerStreaming = true);

    [Fact]
    public void A_changed_http_rule_is_found() => Expect(
        "rpc beacon.ledger.v1.LedgerService.Tip changed its HTTP rule from Route { Verb = POST, Path = /api/tip, Body = * } to Route { Verb = POST, Path = /api/gift, Body = * }",
        set => Method(set, "Tip").Options.SetExtension(AnnotationsExtensions.Http, new HttpRule { Post = "/api/gift", Body = "*" }));

    [Fact]
    public void A_removed_http_rule_is_found() => Expect(
        "rpc beacon.ledger.v1.LedgerService.Tip changed its HTTP rule from Route { Verb = POST, Path = /api/tip, Body = * } to none",
        set => Method(set, "Tip").Options.ClearExtension(AnnotationsExtensions.Http));

    private static void Expect(string expected, Action<FileDescriptorSet> change) => Assert.Equal([expected], Breaks(change));

    private static IReadOnlyList<string> Breaks(Action<FileDescriptorSet> change)
    {
        var changed = Baseline.Current().Clone();
        change(changed);
        return ContractComparer.Breaks(Baseline.Current(), changed);
    }

    private static FileDescriptorProto File(FileDescriptorSet set, string package) => set.File.First(file => file.Package == package);

    private static DescriptorProto Message(FileDescriptorSet set, string name) => set.File.SelectMany(file => file.MessageType).Single(message => message.Name == name);

    private static FieldDescriptorProto Field(FileDescriptorSet set, string message, string name) => Message(set, message).Field.Single(field => field.Name == name);

    private static EnumDescriptorProto Enum(FileDescriptorSet set, string name) => set.File.SelectMany(file => file.EnumType).Single(type => type.Name == name);

    private static MethodDescriptorProto Method(FileDescriptorSet set, string name) =>
        set.File.SelectMany(file => file.Service).SelectMany(service => service.Method).Single(method => method.Name == name);
}
