using System.Xml.Linq;

namespace Beacon.Architecture.Tests;

/// <summary>Who may reference whom, read from the project files.</summary>
public sealed class ReferenceTests
{
    private static readonly string[] ForServices = ["Beacon.Contracts", "Beacon.ServiceDefaults"];
    private static readonly string[] VagueNames = ["Core", "Common", "Shared", "Utils", "Utilities", "Helpers", "Misc"];

    [Fact]
    public void The_services_are_there()
    {
        Expected.Require();
        Assert.Equal(Expected.Services.Order(StringComparer.Ordinal), Repository.Services);
    }

    [Fact]
    public void A_service_references_the_contracts_and_the_service_defaults_and_nothing_else() => Offences.None(
        from project in Repository.Projects
        where project.StartsWith("services/", StringComparison.Ordinal)
        from reference in Repository.References(project)
        where !ForServices.Contains(reference)
        select $"{project} -> {reference}");

    [Fact]
    public void Contracts_and_service_defaults_reference_nothing() => Offences.None(
        from project in Repository.Projects
        where project.StartsWith("contracts/", StringComparison.Ordinal) || project.StartsWith("Beacon.ServiceDefaults/", StringComparison.Ordinal)
        from reference in Repository.References(project)
        select $"{project} -> {reference}");

    [Fact]
    public void Nothing_that_ships_references_a_test_or_a_bench() => Offences.None(
        from project in Repository.Projects
        where !project.StartsWith("tests/", StringComparison.Ordinal) && !project.StartsWith("bench/", StringComparison.Ordinal)
        from reference in Repository.References(project)
        where Repository.Projects.Any(other => Path.GetFileNameWithoutExtension(other) == reference
            && (other.StartsWith("tests/", StringComparison.Ordinal) || other.StartsWith("bench/", StringComparison.Ordinal)))
        select $"{project} -> {reference}");

    [Fact]
    public void The_server_references_every_service()
    {
        Expected.Require("Beacon.Server/Beacon.Server.csproj");
        var references = Repository.References("Beacon.Server/Beacon.Server.csproj");
        Assert.Equal(
            Repository.Services.Select(service => $"Beacon.{service}").Order(StringComparer.Ordinal),
            references.Except(ForServices, StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_app_host_takes_no_projects_output()
    {
        const string project = "Beacon.AppHost/Beacon.AppHost.csproj";
        Expected.Require(project);
        Offences.None(XDocument.Parse(Repository.Read(project)).Descendants("ProjectReference")
            .Where(reference => (string?)reference.Attribute("ReferenceOutputAssembly") is not "false"
                && (string?)reference.Element("ReferenceOutputAssembly") is not "false"
                && (string?)reference.Attribute("IsAspireProjectResource") is null
                && !IsForAspire(reference))
            .Select(reference => (string)reference.Attribute("Include")!));
    }

    [Fact]
    public void No_project_has_a_name_that_says_nothing() => Offences.None(Repository.Projects
        .Where(project => Path.GetFileNameWithoutExtension(project).Split('.').Any(VagueNames.Contains)));

    [Fact]
    public void A_service_lives_in_the_folder_of_its_name() => Offences.None(Repository.Projects
        .Where(project => project.StartsWith("services/", StringComparison.Ordinal))
        .Where(project => project != $"services/{project.Split('/')[1]}/Beacon.{project.Split('/')[1]}.csproj"));

    /// <summary>Two settings files in one composed host cannot be published, so only hosts have one.</summary>
    [Fact]
    public void No_service_has_settings_of_its_own() => Offences.None(Repository.Files
        .Where(file => file.StartsWith("services/", StringComparison.Ordinal) && Path.GetFileName(file).StartsWith("appsettings", StringComparison.Ordinal)));

    /// <summary>All but Aspire's, which the host itself looks for and may not find.</summary>
    [Fact]
    public void Versions_stand_in_one_place() => Offences.None(
        from project in Repository.Projects
        where !project.StartsWith("Beacon.AppHost/", StringComparison.Ordinal)
        from package in XDocument.Parse(Repository.Read(project)).Descendants("PackageReference")
        where package.Attribute("Version") is not null || package.Attribute("VersionOverride") is not null
        select $"{project}: {(string?)package.Attribute("Include")}");

    /// <summary>The Aspire SDK turns its references into names by itself.</summary>
    private static bool IsForAspire(XElement reference) =>
        reference.AncestorsAndSelf().Any(element => ((string?)element.Attribute("Condition"))?.Contains("Aspire", StringComparison.OrdinalIgnoreCase) == true);
}
