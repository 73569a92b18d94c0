using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>What a page is looked at on.</summary>
public sealed record Screen(string Name, int Width, int Height)
{
    public static readonly Screen Phone = new("phone", 390, 844);

    public static readonly Screen Desktop = new("desktop", 1280, 800);

    /// <summary>Both, by name: theories show names.</summary>
    public static TheoryData<string> All => [Phone.Name, Desktop.Name];

    public ViewportSize Size => new() { Width = Width, Height = Height };

    public static Screen Named(string name) => name == Phone.Name ? Phone : Desktop;
}
